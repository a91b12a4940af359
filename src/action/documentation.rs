//! What `ansible-doc` tells of actions that have no module behind them.

use vmstation_host::spec::{Kind, Opt};

/// One action.
pub struct Document {
    /// Its name in `ansible.builtin`.
    pub name: &'static str,
    /// One line.
    pub summary: &'static str,
    /// A paragraph a line.
    pub description: &'static str,
    /// What it takes; an option without a name stands for anything else.
    pub options: &'static [Opt],
    /// YAML.
    pub examples: &'static str,
}

const fn document(
    name: &'static str,
    summary: &'static str,
    description: &'static str,
    options: &'static [Opt],
    examples: &'static str,
) -> Document {
    Document { name, summary, description, options, examples }
}

/// A file of tasks and the keywords that go with it.
const TASKS: &[Opt] = &[
    Opt::str("file").doc("The file of tasks; it may be given alone, without its name."),
    Opt::dict("apply").doc("Keywords that the tasks inherit. Only for what is included."),
];

const ROLE: &[Opt] = &[
    Opt::str("name").required().doc("The role."),
    Opt::str("tasks_from").or_str("main").doc("The file of tasks in the role."),
    Opt::str("vars_from").or_str("main").doc("The file of variables."),
    Opt::str("defaults_from").or_str("main").doc("The file of defaults."),
    Opt::str("handlers_from").or_str("main").doc("The file of handlers."),
    Opt::bool("allow_duplicates").or(true).doc("Whether it may be played more than once."),
    Opt::bool("rolespec_validate").or(true).doc("Whether its arguments are checked."),
    Opt::dict("apply").doc("Keywords that its tasks inherit. Only for what is included."),
    Opt::bool("public")
        .or(false)
        .doc("Whether later tasks see its variables. Only for what is included."),
];

/// Every action without a module, by name.
pub static DOCUMENTS: &[Document] = &[
    document(
        "add_host",
        "Adds a host to the inventory of this run",
        "Later plays can be about the host, and its groups.\nAll other options are variables of it.",
        &[
            Opt::str("name").required().aliases(&["host", "hostname"]).doc("The host."),
            Opt::list("groups", Kind::Str).aliases(&["group", "groupname"]).doc("The groups that it joins."),
        ],
        "- name: The new machine\n  ansible.builtin.add_host:\n    name: '{{ address }}'\n    groups: fresh\n",
    ),
    document(
        "assert",
        "Fails unless conditions are met",
        "Each condition is an expression as in `when`.",
        &[
            Opt::list("that", Kind::Str).required().doc("The conditions."),
            Opt::str("fail_msg").aliases(&["msg"]).doc("The message if one is not met."),
            Opt::str("success_msg").doc("The message if all are."),
            Opt::bool("quiet").or(false).doc("Say nothing of conditions that are met."),
        ],
        "- name: There is room\n  ansible.builtin.assert:\n    that: ansible_memtotal_mb > 2000\n    fail_msg: two gigabytes are needed\n",
    ),
    document(
        "debug",
        "Shows a text or a variable",
        "",
        &[
            Opt::str("msg").or_str("Hello world!").doc("The text."),
            Opt::str("var").doc("The variable, without braces."),
            Opt::int("verbosity").or_int(0).doc("From how many -v on it is shown."),
        ],
        "- name: What was found\n  ansible.builtin.debug:\n    var: result.stdout_lines\n",
    ),
    document(
        "fail",
        "Fails with a message",
        "",
        &[Opt::str("msg").or_str("Failed as requested from task").doc("The message.")],
        "- name: Not on this system\n  ansible.builtin.fail:\n    msg: only Debian is known here\n  when: ansible_os_family != 'Debian'\n",
    ),
    document(
        "fetch",
        "Fetches files from hosts",
        "Each file goes to a folder of its host, unless `flat` is said.",
        &[
            Opt::str("src").required().doc("The file on the host."),
            Opt::str("dest").required().doc("The folder on the controller, or with `flat` the file."),
            Opt::bool("flat").or(false).doc("Write to `dest` itself."),
            Opt::bool("fail_on_missing").or(true).doc("Whether a file that is not there is a failure."),
            Opt::bool("validate_checksum").or(true).doc("Compare checksums afterwards."),
        ],
        "- name: The logs\n  ansible.builtin.fetch:\n    src: /var/log/shop.log\n    dest: logs\n",
    ),
    document(
        "gather_facts",
        "Gathers facts with the modules that are configured",
        "Plays call it by themselves unless `gather_facts: false` is said.",
        &[Opt::bool("parallel").doc("Whether several modules run at once.")],
        "- name: Once more\n  ansible.builtin.gather_facts:\n",
    ),
    document(
        "group_by",
        "Puts hosts into groups by their facts",
        "",
        &[
            Opt::str("key").required().doc("The group's name."),
            Opt::list("parents", Kind::Str).doc("The groups that it belongs to."),
        ],
        "- name: By system\n  ansible.builtin.group_by:\n    key: os_{{ ansible_distribution }}\n",
    ),
    document("import_playbook", "Plays another playbook", "It stands where a play does, and is read when the playbook is loaded.", &[Opt::str("file").doc("The playbook; it is given alone, without a name.")], "- name: First the storage\n  ansible.builtin.import_playbook: storage.yml\n"),
    document("import_role", "Plays a role, read when the playbook is loaded", "", ROLE, "- name: The web server\n  ansible.builtin.import_role:\n    name: nginx\n"),
    document("import_tasks", "Plays the tasks of a file, read when the playbook is loaded", "", TASKS, "- name: The packages\n  ansible.builtin.import_tasks: packages.yml\n"),
    document("include", "Plays the tasks of a file, in the old way", "Deprecated: use `include_tasks` or `import_tasks`.", TASKS, "- ansible.builtin.include: packages.yml\n"),
    document("include_role", "Plays a role, read when its turn comes", "", ROLE, "- name: What the host is for\n  ansible.builtin.include_role:\n    name: '{{ purpose }}'\n"),
    document("include_tasks", "Plays the tasks of a file, read when its turn comes", "", TASKS, "- name: What the system needs\n  ansible.builtin.include_tasks: '{{ ansible_os_family }}.yml'\n"),
    document(
        "include_vars",
        "Reads variables from files",
        "",
        &[
            Opt::str("file").doc("The file; it may be given alone, without its name."),
            Opt::str("dir").doc("A folder, all of whose files are read."),
            Opt::str("name").doc("The variable that they become parts of."),
            Opt::int("depth").or_int(0).doc("How deep folders are searched; 0 is all."),
            Opt::str("files_matching").doc("Only files whose names match."),
            Opt::list("ignore_files", Kind::Str).doc("Names of files to leave out."),
            Opt::list("extensions", Kind::Str).doc("Endings of files that are read."),
            Opt::bool("ignore_unknown_extensions").or(false).doc("Pass over files with other endings."),
            Opt::str("hash_behaviour").doc("`replace` or `merge` variables that are there."),
        ],
        "- name: Of this system\n  ansible.builtin.include_vars: '{{ ansible_distribution }}.yml'\n",
    ),
    document("meta", "Tells the engine something", "", &[Opt::str("free_form").required().doc("`flush_handlers`, `refresh_inventory`, `noop`, `clear_facts`, `clear_host_errors`, `end_play`, `end_host`, `end_batch`, `reset_connection`.")], "- name: The handlers now\n  ansible.builtin.meta: flush_handlers\n"),
    document("package", "Manages packages by the host's own package manager", "All other options are that module's.", &[Opt::str("name").required().doc("The package."), Opt::str("state").required().doc("What it is to be."), Opt::str("use").or_str("auto").doc("The module to use.")], "- name: An editor\n  ansible.builtin.package:\n    name: vim\n    state: present\n"),
    document("pause", "Waits for a time, or for somebody", "", &[Opt::str("minutes").doc("Minutes to wait."), Opt::str("seconds").doc("Seconds to wait."), Opt::str("prompt").doc("A question; what is typed is the result."), Opt::bool("echo").or(true).doc("Whether what is typed shows.")], "- name: Look first\n  ansible.builtin.pause:\n    prompt: Are the disks mounted?\n"),
    document("raw", "Hands a line to the host's shell", "Nothing is needed on the host for it.", &[Opt::str("free_form").required().doc("The line."), Opt::str("executable").doc("The shell.")], "- name: Python for those who need it\n  ansible.builtin.raw: apt-get install -y python3\n"),
    document("reboot", "Restarts a host and waits until it is back", "", &[Opt::int("pre_reboot_delay").or_int(0).doc("Seconds to wait before."), Opt::int("post_reboot_delay").or_int(0).doc("Seconds to wait after."), Opt::int("reboot_timeout").or_int(600).doc("Seconds that it may take."), Opt::int("connect_timeout").doc("Seconds for each attempt to connect."), Opt::str("test_command").or_str("whoami").doc("What must work when it is back."), Opt::str("msg").or_str("Reboot initiated by Ansible").doc("What users are told."), Opt::list("search_paths", Kind::Str).doc("Where `shutdown` is looked for."), Opt::str("boot_time_command").doc("What tells one start from another."), Opt::str("reboot_command").doc("What restarts the host.")], "- name: With the new kernel\n  ansible.builtin.reboot:\n"),
    document("script", "Runs a script of the controller's on a host", "", &[Opt::str("free_form").doc("The script and its arguments."), Opt::str("cmd").doc("The same."), Opt::str("creates").doc("Where this exists, nothing is run."), Opt::str("removes").doc("Where this does not exist, nothing is run."), Opt::str("chdir").doc("The folder that it runs in."), Opt::str("executable").doc("What runs it.")], "- name: The old migration\n  ansible.builtin.script: migrate.sh --now\n"),
    document("set_fact", "Sets variables of a host", "Each option is a variable.", &[Opt::bool("cacheable").or(false).doc("Whether they go to the facts cache too.")], "- name: The port\n  ansible.builtin.set_fact:\n    port: '{{ 8000 + index }}'\n"),
    document("set_stats", "Adds figures to the end of the run", "", &[Opt::dict("data").required().doc("The figures."), Opt::bool("per_host").or(false).doc("Whether each host has its own."), Opt::bool("aggregate").or(true).doc("Whether they are added to those that are there.")], "- name: Counted\n  ansible.builtin.set_stats:\n    data:\n      disks: '{{ ansible_devices | length }}'\n"),
    document("shell", "Runs a line in the host's shell", "", &[Opt::str("free_form").doc("The line."), Opt::str("cmd").doc("The same."), Opt::str("creates").doc("Where this exists, nothing is run."), Opt::str("removes").doc("Where this does not exist, nothing is run."), Opt::str("chdir").doc("The folder that it runs in."), Opt::str("executable").doc("The shell."), Opt::str("stdin").doc("What it reads."), Opt::bool("stdin_add_newline").or(true).doc("Whether a line end follows that.")], "- name: The biggest\n  ansible.builtin.shell: du -s * | sort -n | tail -1\n"),
    document("template", "Renders a template to a file of a host", "It takes the options of files too: `owner`, `mode` and so on.", &[Opt::str("src").required().doc("The template on the controller."), Opt::str("dest").required().doc("The file on the host."), Opt::bool("backup").or(false).doc("Keep the old file."), Opt::bool("force").or(true).doc("Whether a file that is there is replaced."), Opt::bool("follow").or(false).doc("Write to what a link points to."), Opt::str("validate").doc("A command with `%s` that must accept the new file."), Opt::str("newline_sequence").or_str("\n").doc("How lines end."), Opt::bool("trim_blocks").or(true).doc("Drop the line end after a block."), Opt::bool("lstrip_blocks").or(false).doc("Drop blanks before a block."), Opt::str("output_encoding").or_str("utf-8").doc("The file's encoding.")], "- name: The configuration\n  ansible.builtin.template:\n    src: shop.conf.j2\n    dest: /etc/shop.conf\n    mode: '0644'\n"),
    document("validate_argument_spec", "Checks arguments by a specification", "Roles with one are checked by themselves.", &[Opt::dict("argument_spec").required().doc("The specification."), Opt::dict("provided_arguments").doc("The arguments.")], "- name: As it says\n  ansible.builtin.validate_argument_spec:\n    argument_spec: '{{ spec }}'\n"),
    document("wait_for_connection", "Waits until a host can be reached", "", &[Opt::int("connect_timeout").or_int(5).doc("Seconds for each attempt."), Opt::int("delay").or_int(0).doc("Seconds to wait before the first."), Opt::int("sleep").or_int(1).doc("Seconds between them."), Opt::int("timeout").or_int(600).doc("Seconds for all of them.")], "- name: Up again\n  ansible.builtin.wait_for_connection:\n"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_has_no_module_is_told_of() {
        for action in super::super::ACTIONS {
            let module = vmstation_host::module::find(action.name);
            let documented = DOCUMENTS.iter().any(|document| document.name == action.name);
            assert!(module.is_some() != documented || action.name == "shell", "{}", action.name);
        }
        assert!(DOCUMENTS.is_sorted_by_key(|document| document.name));
    }
}
