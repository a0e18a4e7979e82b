"""Names that generated code uses, which a spec cannot use."""

from __future__ import annotations

MODULE_ATTRIBUTES = frozenset(
    """
    T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda
    double dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter
    get_submodule half ipu load_state_dict modules mtia named_buffers named_children
    named_modules named_parameters parameters register_backward_hook register_buffer
    register_forward_hook register_forward_pre_hook register_full_backward_hook
    register_full_backward_pre_hook register_load_state_dict_post_hook
    register_load_state_dict_pre_hook register_module register_parameter
    register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state
    set_submodule share_memory state_dict to to_empty train training type xpu zero_grad
    """.split()  # noqa: SIM905
)
"""The attributes of torch.nn.Module, which a link, a parameter or a program would hide."""

OF_GENERATED_CODE = frozenset(
    "folder losses manifest networks noise objective path program state tensor".split()  # noqa: SIM905
)
"""Names of files, classes and arguments of generated code, which a program cannot have."""
