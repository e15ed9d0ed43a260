//! The header of a GGUF file, of versions 2 and 3. Nothing in it is believed: no number makes us
//! read beyond the bytes that are there, or allocate more than a small multiple of them.

use std::collections::HashMap;

use candle_core::{DType, quantized::GgmlDType};

use super::{
    super::Stored,
    metadata::{GgufMetadata, GgufValue},
};

/// What a header holds.
pub(super) struct GgufHeader {
    pub(super) metadata: GgufMetadata,
    pub(super) tensors: Vec<(String, Tensor)>,
    /// Where the tensors' bytes begin.
    pub(super) data: usize,
}

/// A tensor of the header.
pub(super) struct Tensor {
    /// Its dimensions, rows first.
    pub(super) shape: Vec<usize>,
    pub(super) stored: Stored,
    /// From where the tensors' bytes begin.
    pub(super) offset: u64,
}

impl Tensor {
    pub(super) fn numbers(&self) -> usize {
        // Checked when it was read.
        self.shape.iter().product()
    }
}

/// Why a header cannot be read.
#[derive(Debug)]
pub(super) struct HeaderFault {
    pub(super) problem: String,
    pub(super) advice: &'static str,
}

fn damaged(problem: impl Into<String>) -> HeaderFault {
    HeaderFault {
        problem: problem.into(),
        advice: "Fetch the file again: it is cut or damaged, or something else",
    }
}

/// More entries or dimensions than any file has.
const MOST_ENTRIES: u64 = 1 << 20;
const MOST_DIMENSIONS: u32 = 4;

impl GgufHeader {
    /// Reads the header at the start of `bytes`.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, HeaderFault> {
        let mut reader = HeaderReader { bytes, at: 0 };
        if bytes.get(..4) != Some(b"GGUF") {
            return Err(HeaderFault {
                problem: "this is no GGUF file".to_owned(),
                advice: "Give a folder that holds config.json, *.safetensors and tokenizer.json, \
                         or a .gguf file",
            });
        }
        reader.at = 4;
        match reader.u32()? {
            2 | 3 => {}
            version => {
                return Err(HeaderFault {
                    problem: format!(
                        "this is GGUF of version {version} (or of another byte order), expected 2 \
                         or 3"
                    ),
                    advice: "Convert the model again with a current llama.cpp",
                });
            }
        }
        let (tensor_count, value_count) = (reader.u64()?, reader.u64()?);
        for (what, count) in [("tensors", tensor_count), ("values", value_count)] {
            if count > MOST_ENTRIES {
                return Err(damaged(format!("its header speaks of {count} {what}")));
            }
        }
        let mut values = HashMap::new();
        for _ in 0..value_count {
            let key = reader.text()?;
            let kind = reader.u32()?;
            let value = reader.value(kind).map_err(|fault| fault.at(&key))?;
            values.insert(key, value);
        }
        let metadata = GgufMetadata(values);
        let alignment = match metadata.whole("general.alignment") {
            None => 32,
            // Blocks are read where they lie.
            Some(n @ 8..=0x10000) if n.count_ones() == 1 => n as usize,
            Some(n) => return Err(damaged(format!("its tensors are aligned to {n} bytes"))),
        };
        let mut tensors = Vec::new();
        for _ in 0..tensor_count {
            let name = reader.text()?;
            let tensor = reader.tensor().map_err(|fault| fault.at(&name))?;
            if !tensor.offset.is_multiple_of(alignment as u64) {
                return Err(damaged("a tensor is not aligned").at(&name));
            }
            tensors.push((name, tensor));
        }
        Ok(Self { metadata, tensors, data: reader.at.next_multiple_of(alignment) })
    }
}

impl HeaderFault {
    /// Says of what entry this is.
    fn at(self, name: &str) -> Self {
        let name: String = name.chars().take(80).collect();
        Self { problem: format!("`{}`: {}", name.escape_default(), self.problem), ..self }
    }
}

struct HeaderReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> HeaderReader<'a> {
    fn take(&mut self, length: u64) -> Result<&'a [u8], HeaderFault> {
        let end = usize::try_from(length).ok().and_then(|length| self.at.checked_add(length));
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| damaged("the file ends inside its header"))?;
        self.at += taken.len();
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], HeaderFault> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N as u64)?);
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, HeaderFault> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, HeaderFault> {
        self.array().map(u64::from_le_bytes)
    }

    fn text(&mut self) -> Result<String, HeaderFault> {
        let length = self.u64()?;
        Ok(String::from_utf8_lossy(self.take(length)?).into_owned())
    }

    /// A value of the kind with this number.
    fn value(&mut self, kind: u32) -> Result<GgufValue, HeaderFault> {
        Ok(match kind {
            0 => GgufValue::Whole(self.array().map(u8::from_le_bytes)?.into()),
            1 => GgufValue::Whole(self.array().map(i8::from_le_bytes)?.into()),
            2 => GgufValue::Whole(self.array().map(u16::from_le_bytes)?.into()),
            3 => GgufValue::Whole(self.array().map(i16::from_le_bytes)?.into()),
            4 => GgufValue::Whole(self.u32()?.into()),
            5 => GgufValue::Whole(self.array().map(i32::from_le_bytes)?.into()),
            6 => GgufValue::Real(self.array().map(f32::from_le_bytes)?.into()),
            7 => GgufValue::Flag(self.array::<1>()? != [0]),
            8 => GgufValue::Text(self.text()?),
            9 => self.list()?,
            10 => GgufValue::Whole(self.u64()?.into()),
            11 => GgufValue::Whole(self.array().map(i64::from_le_bytes)?.into()),
            12 => GgufValue::Real(self.array().map(f64::from_le_bytes)?),
            _ => return Err(damaged(format!("{kind} is no kind of value"))),
        })
    }

    fn list(&mut self) -> Result<GgufValue, HeaderFault> {
        let (kind, length) = (self.u32()?, self.u64()?);
        // Bytes of one entry, a text's at least.
        let size = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            8 | 10..=12 => 8,
            _ => return Err(damaged(format!("{kind} is no kind of entry in a list"))),
        };
        let left = (self.bytes.len() - self.at) as u64;
        if length.checked_mul(size).is_none_or(|bytes| bytes > left) {
            return Err(damaged(format!("a list of {length} entries does not fit into the file")));
        }
        match kind {
            8 => (0..length).map(|_| self.text()).collect::<Result<_, _>>().map(GgufValue::Texts),
            4 | 5 => {
                let numbers = self.take(length * size)?.chunks_exact(4);
                let number = |b: &[u8]| {
                    let bytes = [b[0], b[1], b[2], b[3]];
                    match kind {
                        4 => u32::from_le_bytes(bytes).into(),
                        _ => i32::from_le_bytes(bytes).into(),
                    }
                };
                Ok(GgufValue::Wholes(numbers.map(number).collect()))
            }
            _ => self.take(length * size).map(|_| GgufValue::Other),
        }
    }

    fn tensor(&mut self) -> Result<Tensor, HeaderFault> {
        let dimensions = self.u32()?;
        if !(1..=MOST_DIMENSIONS).contains(&dimensions) {
            return Err(damaged(format!("{dimensions} dimensions, expected 1 to 4")));
        }
        let mut shape = Vec::new();
        let mut numbers = 1_usize;
        for _ in 0..dimensions {
            let size = self.u64()?;
            let size = usize::try_from(size).ok().filter(|size| *size > 0);
            let product = size.and_then(|size| numbers.checked_mul(size));
            // Bytes of 64-bit numbers must be countable.
            let (Some(size), Some(product)) = (size, product.filter(|n| *n < usize::MAX >> 4))
            else {
                return Err(damaged("a size that cannot be"));
            };
            (numbers, shape) = (product, [vec![size], shape].concat());
        }
        let stored = stored(self.u32()?)?;
        let columns = shape.last().copied().unwrap_or(1);
        if !columns.is_multiple_of(stored.block()) {
            return Err(damaged(format!("rows of {columns} numbers cannot be stored as {stored}")));
        }
        Ok(Tensor { shape, stored, offset: self.u64()? })
    }
}

/// The type with this number in GGML.
fn stored(number: u32) -> Result<Stored, HeaderFault> {
    Ok(match number {
        0 => Stored::Plain(DType::F32),
        1 => Stored::Plain(DType::F16),
        30 => Stored::Plain(DType::BF16),
        2 => Stored::Blocks(GgmlDType::Q4_0),
        3 => Stored::Blocks(GgmlDType::Q4_1),
        6 => Stored::Blocks(GgmlDType::Q5_0),
        7 => Stored::Blocks(GgmlDType::Q5_1),
        8 => Stored::Blocks(GgmlDType::Q8_0),
        10 => Stored::Blocks(GgmlDType::Q2K),
        11 => Stored::Blocks(GgmlDType::Q3K),
        12 => Stored::Blocks(GgmlDType::Q4K),
        13 => Stored::Blocks(GgmlDType::Q5K),
        14 => Stored::Blocks(GgmlDType::Q6K),
        other => {
            let name = OTHERS.iter().find(|(number, _)| *number == other);
            let name = name.map_or_else(|| format!("type {other}"), |(_, name)| (*name).to_owned());
            return Err(HeaderFault {
                problem: format!(
                    "it is stored as {name}; what can be read is f32, f16, bf16, q4_0, q4_1, q5_0, \
                     q5_1, q8_0 and q2_k to q6_k"
                ),
                advice: "Take another file of this model, for instance Q8_0 or Q4_K_M",
            });
        }
    })
}

/// Types of GGML that are not read, by number, to name them in errors.
const OTHERS: [(u32, &str); 17] = [
    (9, "q8_1"),
    (15, "q8_k"),
    (16, "iq2_xxs"),
    (17, "iq2_xs"),
    (18, "iq3_xxs"),
    (19, "iq1_s"),
    (20, "iq4_nl"),
    (21, "iq3_s"),
    (22, "iq2_s"),
    (23, "iq4_xs"),
    (24, "i8"),
    (25, "i16"),
    (26, "i32"),
    (27, "i64"),
    (28, "f64"),
    (29, "iq1_m"),
    (39, "mxfp4"),
];
