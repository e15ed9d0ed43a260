//! Predictions: columns of numbers and tokens, one entry a position.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, IgnoredAny, MapAccess, Visitor},
};
use serde_json::Map;

use crate::{
    canvas::TokenId,
    predict::{COLUMNS, Column, ColumnKind, ColumnRecording, ColumnSpec},
};

/// A prediction: what a forward pass says about each generated position.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Prediction")]
pub(in crate::trace) struct RecordedPrediction {
    /// Its name: up to 32 hexadecimal digits, in our recordings the hash of the request.
    pub key: String,
    /// Generated positions that it is for.
    pub rows: usize,
    /// What is known of them.
    pub columns: RecordedColumns,
    /// What the pass left uncomputed; absent where it was exact. Since 1.3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached: Option<LeftOut>,
}

/// What an approximate pass did not compute: outside the window everything is that of an earlier
/// full pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(in crate::trace) struct LeftOut {
    /// The canvas of the full pass, as in the `hash` of a step.
    pub from: String,
    /// First generated position computed, and the one behind the last.
    pub window: [usize; 2],
}

/// The columns of a prediction, each with its values: an object with a field a column.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::trace) struct RecordedColumns(pub Vec<(Column, RecordedValues)>);

/// The values of a column, as they are written.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(in crate::trace) enum RecordedValues {
    /// Tokens; `None` where they are not known.
    Ids(Vec<Option<TokenId>>),
    /// Numbers; `None` where they are not finite.
    Numbers(Vec<Option<f32>>),
    /// Numbers at some positions.
    Rounded(Sparse<Option<f32>>),
    /// Tokens and their probabilities at some positions.
    Pairs(Sparse<(TokenId, Option<f32>)>),
    /// The best tokens and their probabilities at some positions.
    Candidates(Sparse<(Vec<TokenId>, Vec<f32>)>),
}

/// The form of a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::trace) enum Form {
    Ids,
    Numbers,
    Rounded,
    /// With the column of the probabilities.
    Pairs(Column),
    Candidates,
}

impl Form {
    /// The form in which a column is written; `None` if another column's values hold it.
    pub fn of(spec: &ColumnSpec) -> Option<Self> {
        match (spec.kind, spec.recorded) {
            (ColumnKind::Candidates, _) => Some(Self::Candidates),
            (ColumnKind::Token, ColumnRecording::Paired(with)) => Some(Self::Pairs(with)),
            (ColumnKind::Token, _) => Some(Self::Ids),
            (_, ColumnRecording::Exact) => Some(Self::Numbers),
            (_, ColumnRecording::Rounded(_)) => Some(Self::Rounded),
            (_, ColumnRecording::Paired(_)) => None,
        }
    }
}

impl Serialize for RecordedColumns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(column, values)| (column.name(), values)))
    }
}

impl<'de> Deserialize<'de> for RecordedColumns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ColumnReader)
    }
}

/// Reads the columns of a prediction; those that this program does not know are left out.
struct ColumnReader;

impl<'de> Visitor<'de> for ColumnReader {
    type Value = RecordedColumns;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object of columns")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RecordedColumns, A::Error> {
        let mut columns = RecordedColumns::default();
        while let Some(name) = map.next_key::<Cow<str>>()? {
            let spec = Column::named(&name).map(Column::spec);
            let Some((spec, form)) = spec.and_then(|spec| Some((spec, Form::of(spec)?))) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if columns.0.iter().any(|(column, _)| *column == spec.column) {
                return Err(A::Error::duplicate_field(spec.name));
            }
            // Absent and null are the same.
            let values = match form {
                Form::Ids => map.next_value::<Option<_>>()?.map(RecordedValues::Ids),
                Form::Numbers => map.next_value::<Option<_>>()?.map(RecordedValues::Numbers),
                Form::Rounded => map.next_value::<Option<_>>()?.map(RecordedValues::Rounded),
                Form::Pairs(_) => map.next_value::<Option<_>>()?.map(RecordedValues::Pairs),
                Form::Candidates => map.next_value::<Option<_>>()?.map(RecordedValues::Candidates),
            };
            columns.0.extend(values.map(|values| (spec.column, values)));
        }
        Ok(columns)
    }
}

impl JsonSchema for RecordedColumns {
    fn schema_name() -> Cow<'static, str> {
        "Columns".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut fields = Map::new();
        for spec in &COLUMNS {
            let Some(form) = Form::of(spec) else { continue };
            let mut field = match form {
                Form::Ids => generator.subschema_for::<Option<Vec<Option<TokenId>>>>(),
                Form::Numbers => generator.subschema_for::<Option<Vec<Option<f32>>>>(),
                Form::Rounded => generator.subschema_for::<Option<Sparse<Option<f32>>>>(),
                Form::Pairs(_) => {
                    generator.subschema_for::<Option<Sparse<(TokenId, Option<f32>)>>>()
                }
                Form::Candidates => {
                    generator.subschema_for::<Option<Sparse<(Vec<TokenId>, Vec<f32>)>>>()
                }
            };
            field.insert("description".to_owned(), described(spec).into());
            fields.insert(spec.name.to_owned(), field.into());
        }
        json_schema!({
            "description": "Columns, one entry per generated position unless said otherwise; \
                            `null` = not finite, absent = not recorded.",
            "type": "object",
            "properties": fields,
        })
    }
}

/// What the schema says of a column, in sentences.
fn described(spec: &ColumnSpec) -> String {
    let mut letters = spec.help.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    let rounded = if spec.is_display() { " Rounded; masked positions only." } else { "" };
    let space = if spec.note.is_empty() { "" } else { " " };
    format!("{first}{}.{rounded}{space}{}", letters.as_str(), spec.note)
}

/// A column with values at some positions only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(in crate::trace) struct Sparse<T> {
    /// The generated positions, from 0.
    pub at: Vec<usize>,
    /// A value for each of these positions.
    pub values: Vec<T>,
}
