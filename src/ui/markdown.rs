//! Pages of the documentation on a terminal: their tables, which are wider than any screen, row by row.

use serde::Serialize;

use super::Paint;
use super::fold::{folded, padded, width};
use super::style::Tone;
use crate::escape::one_line;

/// A table of a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Table {
    /// The names of its columns.
    pub columns: Vec<String>,
    /// Its rows, a cell for each column.
    pub rows: Vec<Vec<String>>,
}

/// The tables of a page.
pub fn tables(markdown: &str) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    let mut is_inside = false;
    for line in markdown.lines() {
        let Some(row) = line.strip_prefix('|') else {
            is_inside = false;
            continue;
        };
        let cells: Vec<String> = row.trim_end().trim_end_matches('|').split(" | ").map(cell).collect();
        match tables.last_mut().filter(|_| is_inside) {
            None => tables.push(Table { columns: cells, rows: Vec::new() }),
            Some(_) if row.starts_with("---") => {}
            Some(table) => table.rows.push(cells),
        }
        is_inside = true;
    }
    tables
}

fn cell(text: &str) -> String {
    text.trim().trim_matches('|').trim().to_owned()
}

/// A page as text: prose as it is, of each table's row the first cell, and the others below it behind their column's name.
pub fn page(markdown: &str, columns: usize, paint: Paint) -> String {
    let mut tables = tables(markdown).into_iter();
    let mut lines: Vec<String> = Vec::new();
    let mut is_inside = false;
    for line in markdown.lines() {
        if line.starts_with('|') {
            if !is_inside {
                lines.extend(tables.next().iter().flat_map(|table| rows(table, columns, paint)));
            }
            is_inside = true;
            continue;
        }
        is_inside = false;
        match line.strip_prefix('#') {
            Some(title) => lines.push(paint.paint(Tone::Strong, title.trim_start_matches('#').trim())),
            None => lines.extend(folded(&one_line(line), columns, 0)),
        }
    }
    lines.join("\n") + "\n"
}

fn rows(table: &Table, columns: usize, paint: Paint) -> Vec<String> {
    let label = table.columns.iter().map(|name| width(name)).max().unwrap_or(0);
    let mut lines = Vec::new();
    for row in &table.rows {
        for (at, (name, text)) in table.columns.iter().zip(row).enumerate() {
            if at == 0 {
                lines.extend(folded(&format!("- {}", one_line(text)), columns, 2));
            } else {
                let name = paint.paint(Tone::Quiet, name);
                lines.extend(folded(&format!("    {}  {}", padded(&name, label), one_line(text)), columns, label + 6));
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_row_by_row() {
        let text = page(
            "# Title\n\nProse.\n\n| Here | There |\n|---|---|\n| one `a|b` | two |\n| three | |\n",
            40,
            Paint::PLAIN,
        );
        assert_eq!(text, "Title\n\nProse.\n\n- one `a|b`\n    There  two\n- three\n    There\n");
    }
}
