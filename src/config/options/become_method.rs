//! Options of becoming another user.

/// `become_method: sudo`.
pub mod sudo {
    use super::super::{
        Default::{Text, Unset},
        Opt, Spec, any,
    };

    plugin_options! { ALL, "become", "sudo";
        BECOME_EXE ("become_exe"): String = any(Text("sudo"))
            .ini(&["privilege_escalation.become_exe", "sudo_become_plugin.executable"])
            .env(&["ANSIBLE_BECOME_EXE", "ANSIBLE_SUDO_EXE"])
            .vars(&["ansible_become_exe", "ansible_sudo_exe"])
            .keyword("become_exe");
        BECOME_FLAGS ("become_flags"): String = any(Text("-H -S -n"))
            .ini(&["privilege_escalation.become_flags", "sudo_become_plugin.flags"])
            .env(&["ANSIBLE_BECOME_FLAGS", "ANSIBLE_SUDO_FLAGS"])
            .vars(&["ansible_become_flags", "ansible_sudo_flags"])
            .keyword("become_flags");
        BECOME_PASS ("become_pass"): Option<String> = any(Unset)
            .ini(&["sudo_become_plugin.password"])
            .env(&["ANSIBLE_BECOME_PASS", "ANSIBLE_SUDO_PASS"])
            .vars(&["ansible_become_password", "ansible_become_pass", "ansible_sudo_pass"]);
        BECOME_USER ("become_user"): String = any(Text("root"))
            .ini(&["privilege_escalation.become_user", "sudo_become_plugin.user"])
            .env(&["ANSIBLE_BECOME_USER", "ANSIBLE_SUDO_USER"])
            .vars(&["ansible_become_user", "ansible_sudo_user"])
            .keyword("become_user");
    }
}

/// `become_method: su`.
pub mod su {
    use super::super::{
        Default::{List, Text, Unset},
        Opt, Spec, any, list,
    };

    plugin_options! { ALL, "become", "su";
        BECOME_EXE ("become_exe"): String = any(Text("su"))
            .ini(&["privilege_escalation.become_exe", "su_become_plugin.executable"])
            .env(&["ANSIBLE_BECOME_EXE", "ANSIBLE_SU_EXE"])
            .vars(&["ansible_become_exe", "ansible_su_exe"])
            .keyword("become_exe");
        BECOME_FLAGS ("become_flags"): String = any(Text(""))
            .ini(&["privilege_escalation.become_flags", "su_become_plugin.flags"])
            .env(&["ANSIBLE_BECOME_FLAGS", "ANSIBLE_SU_FLAGS"])
            .vars(&["ansible_become_flags", "ansible_su_flags"])
            .keyword("become_flags");
        BECOME_PASS ("become_pass"): Option<String> = any(Unset)
            .ini(&["su_become_plugin.password"])
            .env(&["ANSIBLE_BECOME_PASS", "ANSIBLE_SU_PASS"])
            .vars(&["ansible_become_password", "ansible_become_pass", "ansible_su_pass"]);
        BECOME_USER ("become_user"): String = any(Text("root"))
            .ini(&["privilege_escalation.become_user", "su_become_plugin.user"])
            .env(&["ANSIBLE_BECOME_USER", "ANSIBLE_SU_USER"])
            .vars(&["ansible_become_user", "ansible_su_user"])
            .keyword("become_user");
        PROMPT_L10N ("prompt_l10n"): Vec<String> = list(List(&[]))
            .ini(&["su_become_plugin.localized_prompts"])
            .env(&["ANSIBLE_SU_PROMPT_L10N"])
            .vars(&["ansible_su_prompt_l10n"]);
    }
}
