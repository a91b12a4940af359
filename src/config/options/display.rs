//! What is shown, and in which colours.

use super::{
    COLORS,
    Default::{Flag, List, Text, Unset},
    Old, Opt, Spec, WHY_NORMALIZE, WHY_UNUSED, any, flag, list, text,
};

options! { ALL;
    ANSIBLE_COW_SELECTION: String = any(Text("default"))
        .ini(&["defaults.cow_selection"])
        .env(&["ANSIBLE_COW_SELECTION"]);
    ANSIBLE_COW_ACCEPTLIST: Vec<String> = list(List(&["bud-frogs", "bunny", "cheese", "daemon",
        "default", "dragon", "elephant-in-snake", "elephant", "eyes", "hellokitty", "kitty",
        "luke-koala", "meow", "milk", "moofasa", "moose", "ren", "sheep", "small", "stegosaurus",
        "stimpy", "supermilker", "three-eyes", "turkey", "turtle", "tux", "udder", "vader-koala",
        "vader", "www"]))
        .ini(&["defaults.cow_whitelist", "defaults.cowsay_enabled_stencils"])
        .env(&["ANSIBLE_COW_WHITELIST", "ANSIBLE_COW_ACCEPTLIST"])
        .old(&[
            Old {
                source: "ANSIBLE_COW_WHITELIST",
                why: WHY_NORMALIZE,
                instead: Some("ANSIBLE_COW_ACCEPTLIST"),
                version: "2.15",
            },
            Old {
                source: "[defaults]cow_whitelist",
                why: WHY_NORMALIZE,
                instead: Some("cowsay_enabled_stencils"),
                version: "2.15",
            },
        ]);
    ANSIBLE_FORCE_COLOR: bool = flag(Flag(false))
        .ini(&["defaults.force_color"])
        .env(&["ANSIBLE_FORCE_COLOR"]);
    ANSIBLE_NOCOLOR: bool = flag(Flag(false))
        .ini(&["defaults.nocolor"])
        .env(&["ANSIBLE_NOCOLOR", "NO_COLOR"]);
    ANSIBLE_NOCOWS: bool = flag(Flag(false)).ini(&["defaults.nocows"]).env(&["ANSIBLE_NOCOWS"]);
    ANSIBLE_COW_PATH: Option<String> = text(Unset)
        .ini(&["defaults.cowpath"])
        .env(&["ANSIBLE_COW_PATH"]);
    COLOR_DEFAULTS: Option<String> = any(Unset).choices(COLORS);
    COLOR_CHANGED: String = any(Text("yellow"))
        .ini(&["colors.changed"])
        .env(&["ANSIBLE_COLOR_CHANGED"])
        .choices(COLORS);
    COLOR_CONSOLE_PROMPT: String = any(Text("white"))
        .ini(&["colors.console_prompt"])
        .env(&["ANSIBLE_COLOR_CONSOLE_PROMPT"])
        .choices(COLORS);
    COLOR_DEBUG: String = any(Text("dark gray"))
        .ini(&["colors.debug"])
        .env(&["ANSIBLE_COLOR_DEBUG"])
        .choices(COLORS);
    COLOR_DEPRECATE: String = any(Text("purple"))
        .ini(&["colors.deprecate"])
        .env(&["ANSIBLE_COLOR_DEPRECATE"])
        .choices(COLORS);
    COLOR_DIFF_ADD: String = any(Text("green"))
        .ini(&["colors.diff_add"])
        .env(&["ANSIBLE_COLOR_DIFF_ADD"])
        .choices(COLORS);
    COLOR_DIFF_LINES: String = any(Text("cyan"))
        .ini(&["colors.diff_lines"])
        .env(&["ANSIBLE_COLOR_DIFF_LINES"])
        .choices(COLORS);
    COLOR_DIFF_REMOVE: String = any(Text("red"))
        .ini(&["colors.diff_remove"])
        .env(&["ANSIBLE_COLOR_DIFF_REMOVE"])
        .choices(COLORS);
    COLOR_ERROR: String = any(Text("red"))
        .ini(&["colors.error"])
        .env(&["ANSIBLE_COLOR_ERROR"])
        .choices(COLORS);
    COLOR_HIGHLIGHT: String = any(Text("white"))
        .ini(&["colors.highlight"])
        .env(&["ANSIBLE_COLOR_HIGHLIGHT"])
        .choices(COLORS);
    COLOR_OK: String = any(Text("green"))
        .ini(&["colors.ok"])
        .env(&["ANSIBLE_COLOR_OK"])
        .choices(COLORS);
    COLOR_SKIP: String = any(Text("cyan"))
        .ini(&["colors.skip"])
        .env(&["ANSIBLE_COLOR_SKIP"])
        .choices(COLORS);
    COLOR_UNREACHABLE: String = any(Text("bright red"))
        .ini(&["colors.unreachable"])
        .env(&["ANSIBLE_COLOR_UNREACHABLE"])
        .choices(COLORS);
    COLOR_VERBOSE: String = any(Text("blue"))
        .ini(&["colors.verbose"])
        .env(&["ANSIBLE_COLOR_VERBOSE"])
        .choices(COLORS);
    COLOR_WARN: String = any(Text("bright purple"))
        .ini(&["colors.warn"])
        .env(&["ANSIBLE_COLOR_WARN"])
        .choices(COLORS);
    ACTION_WARNINGS: bool = flag(Flag(true))
        .ini(&["defaults.action_warnings"])
        .env(&["ANSIBLE_ACTION_WARNINGS"]);
    LOCALHOST_WARNING: bool = flag(Flag(true))
        .ini(&["defaults.localhost_warning"])
        .env(&["ANSIBLE_LOCALHOST_WARNING"]);
    INVENTORY_UNPARSED_WARNING: bool = flag(Flag(true))
        .ini(&["inventory.inventory_unparsed_warning"])
        .env(&["ANSIBLE_INVENTORY_UNPARSED_WARNING"]);
    DEPRECATION_WARNINGS: bool = flag(Flag(true))
        .ini(&["defaults.deprecation_warnings"])
        .env(&["ANSIBLE_DEPRECATION_WARNINGS"]);
    DEVEL_WARNING: bool = flag(Flag(true))
        .ini(&["defaults.devel_warning"])
        .env(&["ANSIBLE_DEVEL_WARNING"]);
    DISPLAY_ARGS_TO_STDOUT: bool = flag(Flag(false))
        .ini(&["defaults.display_args_to_stdout"])
        .env(&["ANSIBLE_DISPLAY_ARGS_TO_STDOUT"]);
    DISPLAY_SKIPPED_HOSTS: bool = flag(Flag(true))
        .ini(&["defaults.display_skipped_hosts"])
        .env(&["ANSIBLE_DISPLAY_SKIPPED_HOSTS"]);
    JINJA2_NATIVE_WARNING: bool = flag(Flag(true))
        .ini(&["defaults.jinja2_native_warning"])
        .env(&["ANSIBLE_JINJA2_NATIVE_WARNING"])
        .old(&[
            Old {
                source: "ANSIBLE_JINJA2_NATIVE_WARNING",
                why: WHY_UNUSED,
                instead: None,
                version: "2.17",
            },
        ]);
    SHOW_CUSTOM_STATS: bool = flag(Flag(false))
        .ini(&["defaults.show_custom_stats"])
        .env(&["ANSIBLE_SHOW_CUSTOM_STATS"]);
    SYSTEM_WARNINGS: bool = flag(Flag(true))
        .ini(&["defaults.system_warnings"])
        .env(&["ANSIBLE_SYSTEM_WARNINGS"]);
    VERBOSE_TO_STDERR: bool = flag(Flag(false))
        .ini(&["defaults.verbose_to_stderr"])
        .env(&["ANSIBLE_VERBOSE_TO_STDERR"]);
}
