//! From stored tensors to matrices in place: concatenated, converted, quantised, a piece at a
//! time, so that no more than a piece is in memory twice.

use std::{borrow::Cow, collections::HashMap, fmt, ops::ControlFlow, sync::Arc};

use candle_core::{
    DType, Device, Result as Computed, Tensor,
    quantized::{QStorage, QTensor},
};

use super::Weights;
use crate::model::{
    LoadError, LoadProgress, LoadWatch, Quantization, Work,
    network::{Linear, Matrix},
};

/// Numbers converted at once: 64 MB in f32.
const PIECE: usize = 1 << 24;

/// How weights are held.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Held {
    /// The type computed in.
    pub dtype: DType,
    /// What matrices are rounded to, where a row can be cut into its blocks.
    pub quantize: Option<Quantization>,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.quantize {
            Some(quantize) => quantize.fmt(f),
            None => f.write_str(self.dtype.as_str()),
        }
    }
}

/// Puts the tensors of a checkpoint in place and says how far it is.
pub(in crate::model) struct Loader<'a, 'w> {
    weights: &'a Weights,
    held: Held,
    device: &'a Device,
    watch: &'a mut LoadWatch<'w>,
    progress: LoadProgress,
}

impl<'a, 'w> Loader<'a, 'w> {
    pub(in crate::model) fn new(
        weights: &'a Weights,
        held: Held,
        device: &'a Device,
        watch: &'a mut LoadWatch<'w>,
    ) -> Self {
        let work = match held.quantize {
            None => Work::Reading,
            Some(to) => Work::Quantising(to.to_string()),
        };
        let progress = LoadProgress { work, done: 0, of: weights.bytes() };
        Self { weights, held, device, watch, progress }
    }

    /// The type computed in.
    pub(in crate::model) fn dtype(&self) -> DType {
        self.held.dtype
    }

    /// Where the weights go.
    pub(in crate::model) fn device(&self) -> &Device {
        self.device
    }

    /// Whether there is such a tensor.
    pub(in crate::model) fn has(&self, name: &str) -> bool {
        self.weights.store.info(name).is_some()
    }

    /// As [`Weights::check`].
    pub(in crate::model) fn check(
        &self,
        expected: &[(String, Vec<usize>)],
    ) -> Result<(), LoadError> {
        self.weights.check(expected)
    }

    /// A tensor operation that failed.
    pub(in crate::model) fn failed(&self, error: &candle_core::Error) -> LoadError {
        LoadError::tensor(&self.weights.place, error)
    }

    /// A linear layer whose outputs are those of several stored ones, one behind the other.
    pub(in crate::model) fn linear(
        &mut self,
        names: &[String],
        bias: bool,
    ) -> Result<Linear, LoadError> {
        let matrix = self.matrix(names)?;
        let bias = match bias {
            true => {
                let names: Vec<String> = names.iter().map(|name| format!("{name}.bias")).collect();
                Some(self.vector(&names)?)
            }
            false => None,
        };
        Ok(Linear::new(matrix, bias))
    }

    /// The rows of the matrices `NAME.weight`, one behind the other.
    pub(in crate::model) fn matrix(&mut self, names: &[String]) -> Result<Matrix, LoadError> {
        let names: Vec<String> = names.iter().map(|name| format!("{name}.weight")).collect();
        let shapes: Vec<Vec<usize>> =
            names.iter().filter_map(|name| Some(self.weights.store.info(name)?.0)).collect();
        let rows = shapes.iter().map(|shape| shape[0]).sum();
        let columns = shapes.first().and_then(|shape| shape.get(1)).copied().unwrap_or(0);
        match self.held.quantize.map(Quantization::dtype) {
            Some(to) if columns.is_multiple_of(to.block_size()) => {
                let mut bytes = Vec::new();
                self.pieces(&names, columns, &mut |piece| {
                    let rows = piece.len() / columns;
                    let piece = Tensor::from_vec(piece, (rows, columns), &Device::Cpu)?;
                    bytes.extend_from_slice(&QTensor::quantize(&piece, to)?.data()?);
                    Ok(())
                })?;
                let placed = QStorage::from_data(Cow::Owned(bytes), self.device, to)
                    .and_then(|storage| QTensor::new(storage, (rows, columns)));
                Ok(Matrix::Quantised(Arc::new(placed.map_err(|error| self.failed(&error))?)))
            }
            _ => self.dense(&names, &[rows, columns]).map(Matrix::Dense),
        }
    }

    /// Vectors, one behind the other, in the type computed in.
    pub(in crate::model) fn vector(&mut self, names: &[String]) -> Result<Tensor, LoadError> {
        let length =
            names.iter().filter_map(|name| Some(self.weights.store.info(name)?.0[0])).sum();
        self.dense(names, &[length])
    }

    /// Every tensor under its name, dense: for networks that put themselves together.
    pub(in crate::model) fn all(&mut self) -> Result<HashMap<String, Tensor>, LoadError> {
        let names = self.weights.store.names();
        let mut all = HashMap::new();
        for name in names {
            let Some((shape, _)) = self.weights.store.info(&name) else { continue };
            let tensor = self.dense(std::slice::from_ref(&name), &shape)?;
            all.insert(name, tensor);
        }
        Ok(all)
    }

    fn dense(&mut self, names: &[String], shape: &[usize]) -> Result<Tensor, LoadError> {
        let columns = shape[1..].iter().product();
        let (dtype, device) = (self.held.dtype, self.device);
        if dtype == DType::F32 && device.is_cpu() {
            let mut all: Vec<f32> = Vec::with_capacity(shape.iter().product());
            self.pieces(names, columns, &mut |piece| {
                all.extend_from_slice(&piece);
                Ok(())
            })?;
            return Tensor::from_vec(all, shape, device).map_err(|error| self.failed(&error));
        }
        let mut placed = Vec::new();
        self.pieces(names, columns, &mut |piece| {
            let mut shape = shape.to_vec();
            shape[0] = piece.len() / columns;
            let piece = Tensor::from_vec(piece, shape, &Device::Cpu)?.to_dtype(dtype)?;
            placed.push(piece.to_device(device)?);
            Ok(())
        })?;
        match placed.len() {
            1 => Ok(placed.remove(0)),
            _ => Tensor::cat(&placed, 0).map_err(|error| self.failed(&error)),
        }
    }

    /// Hands over the rows of some tensors in f32, some rows at a time.
    fn pieces(
        &mut self,
        names: &[String],
        columns: usize,
        put: &mut dyn FnMut(Vec<f32>) -> Computed<()>,
    ) -> Result<(), LoadError> {
        for name in names {
            let Some((shape, dtype)) = self.weights.store.info(name) else { continue };
            let numbers: usize = shape.iter().product();
            let size = dtype.size_in_bytes();
            let at_once = (PIECE / columns.max(1)).max(1) * columns.max(1);
            for start in (0..numbers).step_by(at_once) {
                let end = (start + at_once).min(numbers);
                let piece = self
                    .weights
                    .store
                    .read(name, start * size..end * size, |bytes| widen(bytes, dtype))
                    .unwrap_or_else(|| Ok(Vec::new()));
                piece.and_then(&mut *put).map_err(|error| self.failed(&error))?;
                self.progress.done += ((end - start) * size) as u64;
                if let ControlFlow::Break(()) = (self.watch)(&self.progress) {
                    return Err(LoadError::cancelled(&self.weights.place));
                }
            }
        }
        Ok(())
    }
}

/// Stored numbers in f32.
fn widen(bytes: &[u8], dtype: DType) -> Computed<Vec<f32>> {
    Ok(match dtype {
        DType::F32 => {
            bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
        }
        // The upper half of an f32.
        DType::BF16 => {
            bytes.chunks_exact(2).map(|b| f32::from_le_bytes([0, 0, b[0], b[1]])).collect()
        }
        _ => {
            let length = bytes.len() / dtype.size_in_bytes();
            Tensor::from_raw_buffer(bytes, dtype, &[length], &Device::Cpu)?
                .to_dtype(DType::F32)?
                .to_vec1()?
        }
    })
}
