//! Devices and precisions.

use std::fmt;

use candle_core::{DType, Device, quantized::GgmlDType};

use super::{LoadError, Overrides, Stored, Weights};

/// What to compute on and in, and what is said in place of the checkpoint's files.
#[derive(Debug, Clone)]
pub struct Computing {
    /// The device.
    pub device: Device,
    /// The precision.
    pub precision: Precision,
    /// What matrices are rounded to on the way into memory.
    pub quantize: Option<Quantization>,
    /// What is said in place of the checkpoint's files.
    pub overrides: Overrides,
}

impl Computing {
    /// On this device, in the precision that suits it.
    pub fn on(device: Device) -> Self {
        Self { device, precision: Precision::Auto, quantize: None, overrides: Overrides::default() }
    }
}

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
    /// This type.
    Exact(DType),
}

impl Precision {
    pub(super) fn resolve(self, weights: &Weights, device: &Device) -> DType {
        match self {
            Self::Exact(dtype) => dtype,
            Self::Auto if device.is_cpu() => DType::F32,
            Self::Auto => match weights.stored() {
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

/// The device called `name`: `auto`, `cpu`, `cuda:N` or `metal`.
///
/// # Errors
/// If the name is unknown, the support is not built in, or the device is not there.
pub fn device(name: &str) -> Result<Device, LoadError> {
    let place = format!("--device {name}");
    let refused = |error: candle_core::Error| {
        // A trace of the stack may follow, where the environment asks for one.
        let error = error.to_string();
        let why = error.lines().next().unwrap_or_default();
        LoadError::new(&place, format!("the device cannot be used ({why})"), "Use `--device cpu`")
    };
    let not_built = |feature: &str| {
        LoadError::new(
            &place,
            format!("this binary was built without {feature} support"),
            format!("Build with `--features {feature}`, or use `--device cpu`"),
        )
    };
    match name {
        "cpu" => Ok(Device::Cpu),
        "auto" if candle_core::utils::cuda_is_available() => Device::new_cuda(0).map_err(refused),
        "auto" if candle_core::utils::metal_is_available() => Device::new_metal(0).map_err(refused),
        "auto" => Ok(Device::Cpu),
        "metal" if !cfg!(feature = "metal") => Err(not_built("metal")),
        "metal" => Device::new_metal(0).map_err(refused),
        _ => {
            let number = name
                .strip_prefix("cuda")
                .map(|rest| rest.strip_prefix(':').unwrap_or(rest))
                .and_then(|rest| if rest.is_empty() { Some(0) } else { rest.parse().ok() });
            match number {
                None => Err(LoadError::new(
                    &place,
                    "no such device",
                    "Use one of auto, cpu, cuda:N, metal",
                )),
                Some(_) if !cfg!(feature = "cuda") => Err(not_built("cuda")),
                Some(number) => Device::new_cuda(number).map_err(refused),
            }
        }
    }
}

/// Most devices of a kind that are looked for.
const MOST: usize = 64;

/// A device that there is, or why there is none of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceReport {
    /// As `--device` takes it; of a kind without any the first.
    pub name: String,
    /// This binary has what it takes.
    pub built_in: bool,
    /// Why it cannot be used; `None` if it can.
    pub fault: Option<String>,
}

/// Every device of this machine that can be computed on, and why there is none of the kinds that
/// are not among them. Each is opened to see.
pub fn available() -> Vec<DeviceReport> {
    let cpu = DeviceReport { name: "cpu".to_owned(), built_in: true, fault: None };
    let mut found = vec![cpu];
    // On other systems there is no such thing.
    let apple = cfg!(target_os = "macos");
    for (built_in, fits, first) in
        [(cfg!(feature = "cuda"), !apple, "cuda:0"), (cfg!(feature = "metal"), apple, "metal")]
    {
        if !built_in && !fits {
            continue;
        }
        let count = if first == "metal" { 1 } else { MOST };
        for number in 0..count {
            let name = first.replace('0', &number.to_string());
            let fault = device(&name).err().map(|error| error.to_string());
            let end = fault.is_some();
            // The end of the list is no fault, unless it is the beginning.
            if !end || number == 0 {
                found.push(DeviceReport { name, built_in, fault });
            }
            if end {
                break;
            }
        }
    }
    found
}

/// The device's name for people.
pub(super) fn name(device: &Device) -> String {
    match device.location() {
        candle_core::DeviceLocation::Cpu => "cpu".to_owned(),
        candle_core::DeviceLocation::Cuda { gpu_id } => format!("cuda:{gpu_id}"),
        candle_core::DeviceLocation::Metal { gpu_id } => format!("metal:{gpu_id}"),
    }
}
