//! The tables that the build script made.

use super::table::{ClashRow, HistoricalRow, IanaRow, List, OwnerRow, Row, Span, Table, WeaknessRow};

mod generated {
    use super::{ClashRow, HistoricalRow, IanaRow, List, OwnerRow, Row, Span, WeaknessRow};
    include!(concat!(env!("OUT_DIR"), "/registry.rs"));
}

/// `port-registry.toml`.
pub(super) static TABLE: Table = Table {
    text: include_str!(concat!(env!("OUT_DIR"), "/registry.txt")),
    lists: &generated::LISTS,
    rows: &generated::ROWS,
    ranges: generated::RANGES,
    owners: &generated::OWNERS,
    owned: &generated::OWNED,
    clashes: &generated::CLASHES,
    historical: &generated::HISTORICAL,
};

/// `registry/iana.tsv`, by port and transport; its text lies in that of [`TABLE`].
pub(super) static IANA: &[IanaRow] = &generated::IANA;

/// The date that those names are of.
pub(super) const IANA_DATE: &str = generated::IANA_DATE;
