//! The types that numbers are computed in, and those that matrices are rounded to.

use std::fmt;

use candle_core::{DType, Device, quantized::GgmlDType};

use super::tensor_files::Stored;

/// A type that matrices are rounded to, under GGML's name: blocks of small whole numbers with a
/// common factor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantization(GgmlDType);

/// Those that can be asked for.
const QUANTIZATIONS: [(&str, GgmlDType); 6] = [
    ("q8_0", GgmlDType::Q8_0),
    ("q6_k", GgmlDType::Q6K),
    ("q5_k", GgmlDType::Q5K),
    ("q4_k", GgmlDType::Q4K),
    ("q5_0", GgmlDType::Q5_0),
    ("q4_0", GgmlDType::Q4_0),
];

impl Quantization {
    /// The names of all.
    pub fn names() -> impl Iterator<Item = &'static str> {
        QUANTIZATIONS.iter().map(|(name, _)| *name)
    }

    pub(super) fn dtype(self) -> GgmlDType {
        self.0
    }
}

impl std::str::FromStr for Quantization {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = QUANTIZATIONS.iter().find(|(name, _)| *name == text);
        known.map(|(_, dtype)| Self(*dtype)).ok_or_else(|| {
            format!("expected one of {}", Self::names().collect::<Vec<_>>().join(", "))
        })
    }
}

impl fmt::Display for Quantization {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let known = QUANTIZATIONS.iter().find(|(_, dtype)| *dtype == self.0);
        f.write_str(known.map_or("?", |(name, _)| name))
    }
}

/// The type to compute in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// f32 on a CPU, where narrower types are slower; the file's own type elsewhere.
    #[default]
    Auto,
    /// This type, on every device.
    Exact(DType),
}

impl Precision {
    pub(super) fn resolve(self, stored: Stored, device: &Device) -> DType {
        match self {
            Self::Exact(dtype) => dtype,
            Self::Auto if device.is_cpu() => DType::F32,
            Self::Auto => match stored {
                Stored::Plain(dtype) => dtype,
                // Products with blocks are in f32.
                Stored::Blocks(_) => DType::F32,
            },
        }
    }
}

impl std::str::FromStr for Precision {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "f32" => Ok(Self::Exact(DType::F32)),
            "f16" => Ok(Self::Exact(DType::F16)),
            "bf16" => Ok(Self::Exact(DType::BF16)),
            _ => Err("expected auto, f32, f16 or bf16".to_owned()),
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Exact(dtype) => f.write_str(dtype.as_str()),
        }
    }
}
