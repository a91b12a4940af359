//! The controller: loads playbooks, renders their templates and drives hosts.
