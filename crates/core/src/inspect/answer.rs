//! What a query does with the rows that it found, in one recording or in many: orders, and groups with
//! what is computed of each.

use std::cmp::Ordering;

use unicode_width::UnicodeWidthStr;

use super::{
    language::{Aggregate, GroupedBy, Grouping, NameValue, RowOperations, Use},
    query::QueryRow,
};

/// A row of a recording, with whatever goes with it.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyedRow<T> {
    /// The row, or what is to be shown of it.
    pub row: T,
    /// The values of [`RowOperations::uses`], as [`QueryRow::keys`] has them.
    pub keys: Vec<Option<NameValue>>,
}

/// A group of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct RowGroup {
    /// What its rows have in common, in the order of [`Grouping::by`]; `None` where that is not known.
    pub by: Vec<Option<NameValue>>,
    /// What was computed, in the order of [`Grouping::aggregates`]; `None` where no value is known.
    pub values: Vec<Option<NameValue>>,
}

/// The rows in the order that the query asks for, those left out that it does not keep. Rows of equal
/// value stay in their order; those without a value come last.
pub fn ordered<T>(operations: &RowOperations, mut rows: Vec<KeyedRow<T>>) -> Vec<KeyedRow<T>> {
    let uses = operations.uses();
    for order in &operations.orders {
        let key = |row: &KeyedRow<T>| key_of(&uses, order.by, &row.keys);
        rows.sort_by(|a, b| match (key(a), key(b)) {
            (Some(a), Some(b)) if order.descending => compare(&b, &a),
            (a, b) => known_first(a.as_ref(), b.as_ref()),
        });
        rows.truncate(order.most.unwrap_or(usize::MAX));
    }
    rows
}

/// The rows of one session in the order that the query asks for.
pub fn ordered_rows(operations: &RowOperations, rows: Vec<QueryRow>) -> Vec<QueryRow> {
    if operations.orders.is_empty() {
        return rows;
    }
    let keyed = rows.into_iter().map(|row| KeyedRow { keys: row.keys.clone(), row });
    ordered(operations, keyed.collect()).into_iter().map(|keyed| keyed.row).collect()
}

/// The groups of rows, in the order of what they have in common. `file` names the recording of a row.
/// Without a `by` there is one group, also of no rows.
pub fn groups<T>(
    operations: &RowOperations,
    grouping: &Grouping,
    rows: &[KeyedRow<T>],
    file: impl Fn(&T) -> &str,
) -> Vec<RowGroup> {
    let uses = operations.uses();
    let by = |row: &KeyedRow<T>| -> Vec<Option<NameValue>> {
        let value = |by: &GroupedBy| match *by {
            GroupedBy::File => Some(NameValue::Text(file(&row.row).to_owned())),
            GroupedBy::Name(used) => key_of(&uses, used, &row.keys),
        };
        grouping.by.iter().map(value).collect()
    };
    let mut keyed: Vec<_> = rows.iter().map(|row| (by(row), row)).collect();
    let order = |a: &[Option<NameValue>], b: &[Option<NameValue>]| {
        let pairs = a.iter().zip(b).map(|(a, b)| known_first(a.as_ref(), b.as_ref()));
        pairs.fold(Ordering::Equal, Ordering::then)
    };
    keyed.sort_by(|a, b| order(&a.0, &b.0));
    let made = |by: Vec<Option<NameValue>>, rows: &[(Vec<Option<NameValue>>, &KeyedRow<T>)]| {
        let computed = |aggregate: &Aggregate| {
            let Some(used) = aggregate.of() else {
                return Some(NameValue::Number(rows.len() as f64));
            };
            let known = rows.iter().filter_map(|(_, row)| key_of(&uses, used, &row.keys));
            computed(*aggregate, known.collect())
        };
        RowGroup { by, values: grouping.aggregates.iter().map(computed).collect() }
    };
    if grouping.by.is_empty() {
        return vec![made(Vec::new(), &keyed)];
    }
    keyed
        .chunk_by(|a, b| order(&a.0, &b.0).is_eq())
        .map(|rows| made(rows[0].0.clone(), rows))
        .collect()
}

/// A name's value among the keys of a row.
fn key_of(uses: &[Use], used: Use, keys: &[Option<NameValue>]) -> Option<NameValue> {
    let at = uses.iter().position(|other| *other == used)?;
    keys.get(at)?.clone()
}

/// What is computed of the known values.
fn computed(aggregate: Aggregate, known: Vec<NameValue>) -> Option<NameValue> {
    let numbers = || known.iter().filter_map(NameValue::number);
    let sum = numbers().sum::<f64>();
    let mean = || sum / numbers().count() as f64;
    if known.is_empty() {
        return None;
    }
    match aggregate {
        Aggregate::Count => Some(NameValue::Number(known.len() as f64)),
        Aggregate::Mean(_) => Some(NameValue::Number(mean())),
        Aggregate::Sum(_) => Some(NameValue::Number(sum)),
        Aggregate::Min(_) => known.into_iter().min_by(compare),
        Aggregate::Max(_) => known.into_iter().max_by(compare),
    }
}

/// The order of two values; numbers stand before texts, and texts before tokens.
fn compare(a: &NameValue, b: &NameValue) -> Ordering {
    match (a, b) {
        (NameValue::Token { id: a, text: one }, NameValue::Token { id: b, text: other }) => {
            one.cmp(other).then(a.cmp(b))
        }
        (NameValue::Text(a), NameValue::Text(b)) => a.cmp(b),
        (NameValue::Text(_), NameValue::Token { .. }) => Ordering::Less,
        (NameValue::Token { .. }, NameValue::Text(_)) => Ordering::Greater,
        (a, b) => match (a.number(), b.number()) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        },
    }
}

/// The order of two values; an unknown one comes last.
fn known_first(a: Option<&NameValue>, b: Option<&NameValue>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => compare(a, b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

/// Groups as a table: a line of headings, then a line a group, not escaped.
pub fn group_cells(grouping: &Grouping, groups: &[RowGroup]) -> Vec<Vec<String>> {
    let by = grouping.by.iter().map(ToString::to_string);
    let head = by.chain(grouping.aggregates.iter().map(ToString::to_string)).collect();
    let mut lines = vec![head];
    for group in groups {
        let cells = group.by.iter().chain(&group.values).map(|value| match value {
            Some(NameValue::Text(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => "–".to_owned(),
        });
        lines.push(cells.collect());
    }
    lines
}

/// The same as lines of text in columns, numbers at the right.
pub fn group_lines(grouping: &Grouping, groups: &[RowGroup]) -> Vec<String> {
    // What a name says must not break the columns.
    let plain = |cell: String| cell.replace(char::is_control, " ");
    let cells = group_cells(grouping, groups);
    let cells: Vec<Vec<String>> =
        cells.into_iter().map(|line| line.into_iter().map(plain).collect()).collect();
    let width = |column: usize| cells.iter().map(|line| line[column].width()).max().unwrap_or(0);
    let is_number = |column: usize| {
        let value = |group: &RowGroup| group.by.iter().chain(&group.values).nth(column).cloned();
        groups.iter().filter_map(|group| value(group)?).all(|value| value.number().is_some())
    };
    let columns: Vec<(usize, bool)> =
        (0..cells[0].len()).map(|column| (width(column), is_number(column))).collect();
    let line = |line: &Vec<String>| {
        let cells = line.iter().zip(&columns).map(|(cell, (width, number))| {
            let gap = " ".repeat(width - cell.width());
            if *number { format!("{gap}{cell}") } else { format!("{cell}{gap}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    cells.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::Query;

    fn rows(query: &Query, rows: &[&[Option<NameValue>]]) -> Vec<KeyedRow<usize>> {
        let uses = query.operations.uses().len();
        assert!(rows.iter().all(|keys| keys.len() == uses), "{query} reads {uses} names");
        (0..).zip(rows).map(|(row, keys)| KeyedRow { row, keys: keys.to_vec() }).collect()
    }

    fn number(number: f64) -> Option<NameValue> {
        Some(NameValue::Number(number))
    }

    #[test]
    fn rows_are_ordered_and_those_without_a_value_stand_behind() {
        fn check(query: &str, expected: &[usize]) {
            let query = Query::parse(query).unwrap();
            let keys =
                [Some(NameValue::P(0.5)), None, Some(NameValue::P(0.25)), Some(NameValue::P(0.5))];
            let keys: Vec<_> = keys.iter().map(std::slice::from_ref).collect();
            let found = ordered(&query.operations, rows(&query, &keys));
            let found: Vec<usize> = found.into_iter().map(|row| row.row).collect();
            assert_eq!(found, expected, "{query}");
        }
        check("fills | sort by p", &[2, 0, 3, 1]);
        check("fills | sort by p desc", &[0, 3, 2, 1]);
        check("fills | top 2 by p", &[0, 3]);
        check("fills | bottom 1 by p", &[2]);
        check("fills | top 3 by p | bottom 1 by p", &[2]);
        check("fills | top 10 by p", &[0, 3, 2, 1]);
    }

    #[test]
    fn groups_are_those_computed_by_hand() {
        fn check(query: &str, keys: &[&[Option<NameValue>]], expected: &[&str]) {
            let query = Query::parse(query).unwrap();
            let grouping = query.operations.grouping.as_ref().unwrap();
            let rows = rows(&query, keys);
            let files = ["b", "a"];
            let groups = groups(&query.operations, grouping, &rows, |row| files[row % 2]);
            assert_eq!(group_lines(grouping, &groups), expected, "{query}");
        }
        let none: &[Option<NameValue>] = &[];
        check("fills | count", &[], &["count", "    0"]);
        check("fills | count", &[none, none, none], &["count", "    3"]);
        check("fills | count by file", &[none; 3], &["file  count", "a         1", "b         2"]);
        // A group whose value is not known stands behind; means are over what is known.
        let keys: &[&[_]] = &[
            &[number(10.0), number(1.0)],
            &[None, number(5.0)],
            &[number(2.0), None],
            &[number(10.0), number(2.0)],
            &[number(2.0), None],
        ];
        check(
            "fills | mean entropy, max entropy, count by step",
            keys,
            &[
                "step  mean entropy  max entropy  count",
                "   2             –            –      2",
                "  10           1.5            2      2",
                "   –             5            5      1",
            ],
        );
        check("fills | sum step", &[&[number(1.5)], &[number(2.0)]], &["sum step", "     3.5"]);
        let token = |id, text: &str| Some(NameValue::Token { id, text: text.to_owned() });
        check(
            "fills | count by token",
            &[&[token(2, "b\n")], &[token(1, "a")], &[token(2, "b\n")]],
            &["token      count", "\"a\" (1)        1", "\"b\\n\" (2)      2"],
        );
    }
}
