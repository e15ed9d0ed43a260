//! The device that a model computes on: which there are, and which is chosen.

use candle_core::Device;

use super::LoadError;

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
const MOST_DEVICES: usize = 64;

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
        let count = if first == "metal" { 1 } else { MOST_DEVICES };
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

/// The device's name for the user.
pub(super) fn name(device: &Device) -> String {
    match device.location() {
        candle_core::DeviceLocation::Cpu => "cpu".to_owned(),
        candle_core::DeviceLocation::Cuda { gpu_id } => format!("cuda:{gpu_id}"),
        candle_core::DeviceLocation::Metal { gpu_id } => format!("metal:{gpu_id}"),
    }
}
