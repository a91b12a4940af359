//! `'…' % args` and `'…'.format(…)`.

mod braces;
mod number;
mod percent;
mod spec;

pub use braces::{FormatArgs, format_braces};
pub use number::{format_float, group_digits};
pub use percent::{percent, percent_bytes};
pub use spec::format_value;
