//! Columns that fit a width: the least important go first, the address and the port never.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The space between two columns.
const GAP: usize = 2;

/// What is left of a column that is dear where there is next to no room.
const SHORTEST_DEAR: usize = 8;

/// A cell: what may be shortened, and what stays behind it (a pid, a mark).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::render) struct Cell {
    pub(in crate::render) head: String,
    pub(in crate::render) tail: String,
}

impl From<String> for Cell {
    fn from(head: String) -> Self {
        Self { head, tail: String::new() }
    }
}

impl From<&str> for Cell {
    fn from(head: &str) -> Self {
        head.to_owned().into()
    }
}

impl Cell {
    fn width(&self) -> usize {
        width_of(&self.head) + width_of(&self.tail)
    }

    /// The whole cell as text.
    pub(in crate::render) fn into_text(mut self) -> String {
        self.head.push_str(&self.tail);
        self.head
    }
}

/// The columns that a text takes on a screen. Most are of printable ASCII, a column for each byte, which is seen sooner.
fn width_of(text: &str) -> usize {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) { text.len() } else { text.width() }
}

/// A column with its cells, and how much of it may go.
pub(in crate::render) struct Column {
    /// The name above it.
    pub(in crate::render) header: &'static str,
    /// A cell for each row.
    pub(in crate::render) cells: Vec<Cell>,
    /// Numbers stand at the right.
    pub(in crate::render) right: bool,
    /// Its cells may be shortened to this many columns; `None` for those that may not.
    pub(in crate::render) shortest: Option<usize>,
    /// It is shortened after all others, and then even further, down to [`SHORTEST_DEAR`].
    pub(in crate::render) dear: bool,
    /// What goes when there is no room: the lowest first, `None` never.
    pub(in crate::render) rank: Option<u8>,
    /// What takes its place then.
    pub(in crate::render) instead: Option<Box<Column>>,
}

/// What is left of the columns.
pub(in crate::render) struct Fitted {
    pub(in crate::render) columns: Vec<Column>,
    /// The names of those that had to go.
    pub(in crate::render) left_out: Vec<&'static str>,
}

/// Leaves out columns that say nothing, then, in a terminal, what does not fit.
pub(in crate::render) fn fit(columns: Vec<Column>, width: Option<u16>) -> Fitted {
    let measured = |column: Column| (natural(&column), column);
    let mut columns: Vec<(usize, Column)> =
        columns.into_iter().filter(|column| !is_blank(column)).map(measured).collect();
    let mut left_out = Vec::new();
    if let Some(width) = width.map(usize::from) {
        while total(&columns, least) > width {
            let ranks = columns.iter().enumerate().filter_map(|(at, (_, column))| Some((column.rank?, at)));
            let Some((_, at)) = ranks.min() else { break };
            match columns[at].1.instead.take() {
                Some(narrower) => columns[at] = measured(*narrower),
                None => left_out.push(columns.remove(at).1.header),
            }
        }
        shorten(&mut columns, width);
    }
    Fitted { columns: columns.into_iter().map(|(_, column)| column).collect(), left_out }
}

fn is_blank(column: &Column) -> bool {
    column.cells.iter().all(|cell| *cell == Cell::default())
}

fn natural(column: &Column) -> usize {
    column.cells.iter().map(Cell::width).chain([column.header.width()]).max().unwrap_or_default()
}

fn least((natural, column): &(usize, Column)) -> usize {
    column.shortest.map_or(*natural, |shortest| shortest.max(column.header.width()).min(*natural))
}

fn total(columns: &[(usize, Column)], width: fn(&(usize, Column)) -> usize) -> usize {
    columns.iter().map(|column| width(column) + GAP).sum::<usize>().saturating_sub(GAP)
}

/// Takes what is too much from the widest columns that may be shortened, from those that are dear only at last.
fn shorten(columns: &mut [(usize, Column)], width: usize) {
    let mut excess = total(columns, |column| column.0).saturating_sub(width);
    while excess > 0 {
        let floor = |column: &(usize, Column)| if column.1.dear { SHORTEST_DEAR } else { least(column) };
        let able = columns.iter_mut().filter(|column| column.0 > floor(column));
        let Some(widest) = able.max_by_key(|(width, column)| (!column.dear, *width)) else { break };
        widest.0 -= 1;
        excess -= 1;
    }
    for (width, column) in columns {
        for cell in column.cells.iter_mut().filter(|cell| cell.width() > *width) {
            *cell = cut(std::mem::take(cell), *width).into();
        }
    }
}

/// The beginning of a cell, `…`, and its tail, where that leaves room for a beginning.
fn cut(cell: Cell, width: usize) -> String {
    /// Less says nothing.
    const SHORTEST_HEAD: usize = 8;
    let tail = cell.tail.width();
    if tail > 0 && tail + SHORTEST_HEAD <= width {
        return cut(cell.head.into(), width - tail) + &cell.tail;
    }
    let text = cell.into_text();
    let mut cut = String::new();
    let mut used = 0;
    for character in text.chars() {
        used += character.width().unwrap_or_default();
        if used + 1 > width {
            break;
        }
        cut.push(character);
    }
    cut.push('…');
    cut
}

/// Rows of cells as lines with the cells below each other, without borders; `right` are the columns of numbers.
pub(in crate::render) fn aligned(rows: Vec<Vec<String>>, right: &[bool]) -> impl Iterator<Item = String> {
    let mut widths: Vec<usize> = Vec::new();
    for row in &rows {
        widths.resize(widths.len().max(row.len()), 0);
        widths.iter_mut().zip(row).for_each(|(width, cell)| *width = width_of(cell).max(*width));
    }
    rows.into_iter().map(move |row| {
        // The last cell needs no room behind it, however long it is.
        let last = row.len().saturating_sub(1);
        let mut line = String::with_capacity(widths.iter().sum::<usize>().min(256) + GAP * last);
        for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let room = if at == last { 0 } else { width - width_of(cell) };
            let (before, behind) = if right.get(at) == Some(&true) { (room, GAP) } else { (0, room + GAP) };
            line.extend(std::iter::repeat_n(' ', before));
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', behind));
        }
        line.truncate(line.trim_end().len());
        line
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(header: &'static str, cell: &str, shortest: Option<usize>, rank: Option<u8>) -> Column {
        Column { header, cells: vec![cell.into()], right: false, shortest, dear: false, rank, instead: None }
    }

    fn sample() -> Vec<Column> {
        let port = column("PORT", "443/udp", None, None);
        vec![
            column("ADDRESS", "2001:db8::1", None, None),
            Column { instead: Some(Box::new(port)), ..column("PORT", "443", None, Some(8)) },
            column("PROTO", "udp", None, Some(9)),
            column("PROCESS", "a-long-name 1234", Some(8), Some(5)),
            column("EMPTY", "", None, None),
        ]
    }

    fn cells(width: Option<u16>) -> (Vec<String>, Vec<&'static str>) {
        let fitted = fit(sample(), width);
        (fitted.columns.iter().map(|column| column.cells[0].clone().into_text()).collect(), fitted.left_out)
    }

    #[test]
    fn what_matters_least_goes_first_and_addresses_stay() {
        let all = ["2001:db8::1", "443", "udp", "a-long-name 1234"].map(str::to_owned).to_vec();
        assert_eq!(cells(None), (all.clone(), vec![]));
        assert_eq!(cells(Some(80)), (all, vec![]));
        assert_eq!(cells(Some(36)).0[3], "a-long-na…");
        assert_eq!(cells(Some(30)).1, ["PROCESS"]);
        assert_eq!(cells(Some(8)).0, ["2001:db8::1", "443/udp"]);
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(cut("日本語".into(), 5), "日本…");
        assert_eq!(cut("日本語".into(), 4), "日…");
        assert_eq!(cut("abc".into(), 1), "…");
    }

    #[test]
    fn a_pid_outlives_the_name_before_it() {
        let cell = |tail: &str| Cell { head: "systemd-resolved".to_owned(), tail: tail.to_owned() };
        assert_eq!(cut(cell(" 601"), 16), "systemd-res… 601");
        assert_eq!(cut(cell(" 601 +4, and others"), 16), "systemd-resolve…");
    }

    #[test]
    fn a_row_is_a_line_however_long_its_last_cell() {
        let rows = vec![vec!["a".to_owned(), "x".repeat(70_000)], vec!["bb".to_owned(), "y".to_owned()]];
        let lines: Vec<String> = aligned(rows, &[true]).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1], "bb  y");
        assert!(lines[0].starts_with(" a  x"));
    }
}
