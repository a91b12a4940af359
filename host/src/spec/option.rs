//! Options and the rules between them, as constants.

use crate::data::{Data, Map};

/// The type that an option's value is converted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Str,
    Bool,
    Int,
    Float,
    /// Text in which `~` and `$VAR` are expanded.
    Path,
    List,
    Dict,
    /// Anything, unchanged.
    Raw,
    /// JSON text; structures are written as such.
    Json,
    /// A size such as `10M`, in bytes.
    Bytes,
    /// A size such as `10Mb`, in bits.
    Bits,
}

impl Kind {
    /// The name in specifications and failure texts.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Str => "str",
            Kind::Bool => "bool",
            Kind::Int => "int",
            Kind::Float => "float",
            Kind::Path => "path",
            Kind::List => "list",
            Kind::Dict => "dict",
            Kind::Raw => "raw",
            Kind::Json => "json",
            Kind::Bytes => "bytes",
            Kind::Bits => "bits",
        }
    }
}

/// A constant value: a default, a choice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Lit {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(&'static str),
    /// A list of texts.
    List(&'static [&'static str]),
    /// An empty dictionary.
    EmptyDict,
}

impl Lit {
    /// The value as plain data.
    pub fn data(self) -> Data {
        match self {
            Lit::None => Data::Null,
            Lit::Bool(value) => value.into(),
            Lit::Int(value) => value.into(),
            Lit::Float(value) => value.into(),
            Lit::Str(value) => value.into(),
            Lit::List(values) => values.iter().map(|value| Data::from(*value)).collect(),
            Lit::EmptyDict => Data::Object(Map::new()),
        }
    }
}

/// One option of a module.
#[derive(Debug, Clone, Copy)]
pub struct Opt {
    pub name: &'static str,
    pub kind: Kind,
    /// The type of a list's elements.
    pub elements: Option<Kind>,
    pub required: bool,
    pub default: Lit,
    pub choices: &'static [Lit],
    pub aliases: &'static [&'static str],
    /// Aliases that warn: (alias, version of removal).
    pub deprecated_aliases: &'static [(&'static str, &'static str)],
    /// Hide the value; `Some(false)` says that a name that sounds like a password is none.
    pub no_log: Option<bool>,
    /// Options of a dictionary, or of a list of dictionaries.
    pub options: &'static [Opt],
    /// Rules between those.
    pub rules: &'static [Rule],
    /// Fill in the defaults of `options` where the dictionary is not given.
    pub apply_defaults: bool,
    /// Environment variables of the host that give the value if nobody does.
    pub fallback_env: &'static [&'static str],
    /// The version in which a deprecated option goes away.
    pub removed_in: Option<&'static str>,
    /// Documentation, a paragraph a line.
    pub doc: &'static str,
    /// Release that brought the option, if later than the module.
    pub version_added: Option<&'static str>,
    /// Used between controller and host only: left out of the documentation.
    pub internal: bool,
}

impl Opt {
    const fn new(name: &'static str, kind: Kind) -> Opt {
        Opt {
            name,
            kind,
            elements: None,
            required: false,
            default: Lit::None,
            choices: &[],
            aliases: &[],
            deprecated_aliases: &[],
            no_log: None,
            options: &[],
            rules: &[],
            apply_defaults: false,
            fallback_env: &[],
            removed_in: None,
            doc: "",
            version_added: None,
            internal: name.as_bytes()[0] == b'_',
        }
    }

    pub const fn str(name: &'static str) -> Opt {
        Opt::new(name, Kind::Str)
    }

    pub const fn bool(name: &'static str) -> Opt {
        Opt::new(name, Kind::Bool)
    }

    pub const fn int(name: &'static str) -> Opt {
        Opt::new(name, Kind::Int)
    }

    pub const fn float(name: &'static str) -> Opt {
        Opt::new(name, Kind::Float)
    }

    pub const fn path(name: &'static str) -> Opt {
        Opt::new(name, Kind::Path)
    }

    pub const fn dict(name: &'static str) -> Opt {
        Opt::new(name, Kind::Dict)
    }

    pub const fn raw(name: &'static str) -> Opt {
        Opt::new(name, Kind::Raw)
    }

    pub const fn json(name: &'static str) -> Opt {
        Opt::new(name, Kind::Json)
    }

    pub const fn bytes(name: &'static str) -> Opt {
        Opt::new(name, Kind::Bytes)
    }

    pub const fn bits(name: &'static str) -> Opt {
        Opt::new(name, Kind::Bits)
    }

    /// A list of elements of a type.
    pub const fn list(name: &'static str, elements: Kind) -> Opt {
        let mut opt = Opt::new(name, Kind::List);
        opt.elements = Some(elements);
        opt
    }

    /// A list whose elements are not converted.
    pub const fn list_of_any(name: &'static str) -> Opt {
        Opt::new(name, Kind::List)
    }

    pub const fn required(mut self) -> Opt {
        self.required = true;
        self
    }

    pub const fn default(mut self, default: Lit) -> Opt {
        self.default = default;
        self
    }

    /// Default of a yes-or-no option.
    pub const fn or(self, default: bool) -> Opt {
        self.default(Lit::Bool(default))
    }

    /// Default of a text option.
    pub const fn or_str(self, default: &'static str) -> Opt {
        self.default(Lit::Str(default))
    }

    /// Default of a number option.
    pub const fn or_int(self, default: i64) -> Opt {
        self.default(Lit::Int(default))
    }

    pub const fn choices(mut self, choices: &'static [Lit]) -> Opt {
        self.choices = choices;
        self
    }

    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Opt {
        self.aliases = aliases;
        self
    }

    pub const fn deprecated_aliases(
        mut self,
        aliases: &'static [(&'static str, &'static str)],
    ) -> Opt {
        self.deprecated_aliases = aliases;
        self
    }

    /// Hide the value in results and logs.
    pub const fn no_log(mut self) -> Opt {
        self.no_log = Some(true);
        self
    }

    /// The name sounds like a password, but the value is none.
    pub const fn not_secret(mut self) -> Opt {
        self.no_log = Some(false);
        self
    }

    pub const fn options(mut self, options: &'static [Opt]) -> Opt {
        self.options = options;
        self
    }

    pub const fn rules(mut self, rules: &'static [Rule]) -> Opt {
        self.rules = rules;
        self
    }

    pub const fn apply_defaults(mut self) -> Opt {
        self.apply_defaults = true;
        self
    }

    pub const fn fallback_env(mut self, names: &'static [&'static str]) -> Opt {
        self.fallback_env = names;
        self
    }

    pub const fn removed_in(mut self, version: &'static str) -> Opt {
        self.removed_in = Some(version);
        self
    }

    pub const fn since(mut self, version: &'static str) -> Opt {
        self.version_added = Some(version);
        self
    }

    pub const fn doc(mut self, doc: &'static str) -> Opt {
        self.doc = doc;
        self
    }
}

/// A rule between options.
#[derive(Debug, Clone, Copy)]
pub enum Rule {
    /// At most one of these.
    MutuallyExclusive(&'static [&'static str]),
    /// All of these or none.
    RequiredTogether(&'static [&'static str]),
    /// At least one of these.
    RequiredOneOf(&'static [&'static str]),
    /// If the option has this value, all of `needs` (or, with `any`, one of them) must be given.
    RequiredIf { option: &'static str, is: Lit, needs: &'static [&'static str], any: bool },
    /// If the option is given, so must be `needs`.
    RequiredBy { option: &'static str, needs: &'static [&'static str] },
}

/// Options of every module that leaves a file: owner, mode, SELinux, attributes.
pub static FILE_OPTIONS: &[Opt] = &[
    Opt::raw("mode").doc(
        "The permissions, as octal digits in quotes (`'0644'`) or in symbolic form (`u=rw,g=r,o=r`).\n\
         Without quotes a number that does not start with 0 is taken as decimal, which is hardly ever meant.\n\
         If nothing is said, a new file gets the permissions that the umask leaves, and an existing one keeps its own.",
    ),
    Opt::str("owner").doc("Name or number of the user that shall own the file or directory."),
    Opt::str("group").doc("Name or number of the group that shall own the file or directory."),
    Opt::str("seuser").doc("The user part of the SELinux context; `_default` takes the policy's value."),
    Opt::str("serole").doc("The role part of the SELinux context; `_default` takes the policy's value."),
    Opt::str("selevel").doc("The level part of the SELinux context; `_default` takes the policy's value."),
    Opt::str("setype").doc("The type part of the SELinux context; `_default` takes the policy's value."),
    Opt::str("attributes").aliases(&["attr"]).doc(
        "Attributes as `chattr` takes them. A leading `=`, `+` or `-` says whether they replace, join or leave; `=` is implied.",
    ),
    Opt::bool("unsafe_writes").or(false).fallback_env(&["ANSIBLE_UNSAFE_WRITES"]).doc(
        "Write into the existing file where it can't be replaced in one step, as with a bind-mounted file. \
         Readers may then see a half-written file.",
    ),
];
