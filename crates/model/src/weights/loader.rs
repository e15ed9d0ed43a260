//! From stored tensors to matrices in place: concatenated, converted, quantised, a piece at a
//! time, so that no more than a piece is in memory twice.

use std::{borrow::Cow, collections::HashMap, fmt, ops::ControlFlow, sync::Arc};

use candle_core::{
    DType, Device, Result as Computed, Tensor, WithDType,
    quantized::{GgmlDType, QStorage, QTensor},
};
use half::{bf16, f16};

use super::Weights;
use crate::{
    LoadError, LoadProgress, LoadWatch, LoadingWork, Quantization,
    kernels::product,
    linear::{Linear, Matrix},
    tensor_files::{Info, Stored},
};

/// Numbers converted at once: 64 MB in f32.
const PIECE: usize = 1 << 24;

/// How weights are held.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeldWeights {
    /// The type computed in.
    pub dtype: DType,
    /// What matrices are rounded to, where a row can be cut into its blocks.
    pub quantize: Option<Quantization>,
    /// Whether matrices of bf16 and f16 are held as stored, although they are multiplied in f32.
    widened: bool,
}

impl HeldWeights {
    /// Weights on a device that computes with them in this type.
    pub fn on(device: &Device, dtype: DType, quantize: Option<Quantization>) -> Self {
        Self { dtype, quantize, widened: device.is_cpu() && dtype == DType::F32 }
    }

    /// The same for a network whose weights must all have the type computed in.
    pub fn all_alike(self) -> Self {
        Self { quantize: None, widened: false, ..self }
    }

    /// How a matrix with rows of `columns` numbers is held that is stored like this: blocks stay
    /// as they are unless they are to become others.
    pub fn matrix(self, stored: Stored, columns: usize) -> Stored {
        match (self.quantize.map(Quantization::dtype), stored) {
            (Some(to), _) if columns.is_multiple_of(to.block_size()) => Stored::Blocks(to),
            (_, Stored::Blocks(dtype)) => Stored::Blocks(dtype),
            (_, Stored::Plain(dtype)) if self.widened && product::widens(dtype, columns) => stored,
            (_, Stored::Plain(_)) => Stored::Plain(self.dtype),
        }
    }

    /// The user is told this of the weights in memory, if most are stored like this.
    pub fn in_memory(self, stored: Stored) -> String {
        match (self.quantize, stored) {
            (None, Stored::Plain(dtype)) if self.widened && product::widens(dtype, 0) => {
                stored.to_string()
            }
            _ => self.name(stored),
        }
    }

    /// The user is told this of the type computed in, if most weights are stored like this.
    pub fn name(self, stored: Stored) -> String {
        match (self.quantize, stored) {
            (None, Stored::Blocks(_)) => stored.to_string(),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for HeldWeights {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.quantize {
            Some(quantize) => quantize.fmt(f),
            None => f.write_str(self.dtype.as_str()),
        }
    }
}

/// Puts the tensors of a checkpoint in place and says how far it is.
pub(crate) struct Loader<'a, 'w> {
    weights: &'a Weights,
    held: HeldWeights,
    device: &'a Device,
    watch: &'a mut LoadWatch<'w>,
    progress: LoadProgress,
}

impl<'a, 'w> Loader<'a, 'w> {
    pub(crate) fn new(
        weights: &'a Weights,
        held: HeldWeights,
        device: &'a Device,
        watch: &'a mut LoadWatch<'w>,
    ) -> Self {
        let work = match held.quantize {
            None => LoadingWork::Reading,
            Some(to) => LoadingWork::Quantising(to.to_string()),
        };
        let progress = LoadProgress { work, done: 0, of: weights.bytes() };
        Self { weights, held, device, watch, progress }
    }

    /// The type computed in.
    pub(crate) fn dtype(&self) -> DType {
        self.held.dtype
    }

    /// Where the weights go.
    pub(crate) fn device(&self) -> &Device {
        self.device
    }

    /// Whether there is such a tensor.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.weights.has(name)
    }

    /// What [`Weights::check`] does.
    pub(crate) fn check(&self, expected: &[(String, Vec<usize>)]) -> Result<(), LoadError> {
        self.weights.check(expected)
    }

    /// A tensor operation that failed.
    pub(crate) fn failed(&self, error: &candle_core::Error) -> LoadError {
        LoadError::tensor(&self.weights.place, error)
    }

    /// A linear layer whose outputs are those of several stored ones, one behind the other.
    pub(crate) fn linear(&mut self, names: &[String], bias: bool) -> Result<Linear, LoadError> {
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
    pub(crate) fn matrix(&mut self, names: &[String]) -> Result<Matrix, LoadError> {
        let names: Vec<String> = names.iter().map(|name| format!("{name}.weight")).collect();
        let held = |name: &String| {
            let info = self.weights.store.info(name)?;
            Some(self.held.matrix(info.stored, info.columns()))
        };
        let runs: Vec<(Option<Stored>, &[String])> =
            names.chunk_by(|a, b| held(a) == held(b)).map(|run| (held(&run[0]), run)).collect();
        let mut parts = Vec::new();
        for (held, names) in runs {
            let infos = names.iter().filter_map(|name| self.weights.store.info(name));
            let (mut rows, mut columns) = (0, 0);
            for info in infos {
                (rows, columns) = (rows + info.rows(), info.columns());
            }
            parts.push(match held {
                Some(Stored::Blocks(dtype)) => self.blocks(names, dtype, (rows, columns))?,
                Some(Stored::Plain(dtype)) if dtype != self.held.dtype => {
                    let shape = (rows, columns);
                    Matrix::Dense(match dtype {
                        DType::BF16 => self.halves(names, bf16::from_le_bytes, shape)?,
                        _ => self.halves(names, f16::from_le_bytes, shape)?,
                    })
                }
                _ => Matrix::Dense(self.dense(names, &[rows, columns])?),
            });
        }
        Ok(match parts.len() {
            1 => parts.remove(0),
            _ => Matrix::Several(parts),
        })
    }

    /// A matrix of 16-bit numbers, held as stored.
    fn halves<T: WithDType>(
        &mut self,
        names: &[String],
        number: fn([u8; 2]) -> T,
        shape: (usize, usize),
    ) -> Result<Tensor, LoadError> {
        let mut all = Vec::with_capacity(shape.0 * shape.1);
        for name in names {
            self.raw(name, &mut |_, bytes| {
                all.extend(bytes.as_chunks().0.iter().map(|&bytes| number(bytes)));
                Ok(())
            })?;
        }
        Tensor::from_vec(all, shape, self.device).map_err(|error| self.failed(&error))
    }

    /// A matrix in blocks: as stored where they are of this type already.
    fn blocks(
        &mut self,
        names: &[String],
        to: GgmlDType,
        (rows, columns): (usize, usize),
    ) -> Result<Matrix, LoadError> {
        let store = &self.weights.store;
        let as_stored = |info: &Info| info.stored == Stored::Blocks(to) && info.pairs.is_none();
        let storage = match names {
            // Straight from the file.
            [name] if store.info(name).is_some_and(|info| as_stored(&info)) => {
                let device = self.device;
                let placed = store.rows(name, 0..rows, |bytes| {
                    QStorage::from_data(Cow::Borrowed(bytes), device, to)
                });
                self.advance(Stored::Blocks(to).bytes(rows * columns))?;
                placed.ok_or_else(|| self.weights.unread(name))?
            }
            _ => {
                let mut bytes = Vec::with_capacity(Stored::Blocks(to).bytes(rows * columns));
                for name in names {
                    let stored = store.info(name).map(|info| info.stored);
                    let alike = stored == Some(Stored::Blocks(to));
                    self.raw(name, &mut |stored, piece| {
                        if alike {
                            bytes.extend_from_slice(piece);
                            return Ok(());
                        }
                        let piece = stored.widen(piece)?;
                        let rows = piece.len() / columns;
                        let piece = Tensor::from_vec(piece, (rows, columns), &Device::Cpu)?;
                        bytes.extend_from_slice(&QTensor::quantize(&piece, to)?.data()?);
                        Ok(())
                    })?;
                }
                QStorage::from_data(Cow::Owned(bytes), self.device, to)
            }
        };
        let placed = storage.and_then(|storage| QTensor::new(storage, (rows, columns)));
        Ok(Matrix::Quantised(Arc::new(placed.map_err(|error| self.failed(&error))?)))
    }

    /// The matrix `NAME.weight` of `rows` rows in f32, whatever is computed in and however other
    /// matrices are held.
    pub(crate) fn plain_matrix(&mut self, name: &str, rows: usize) -> Result<Matrix, LoadError> {
        let name = format!("{name}.weight");
        let columns = self.weights.store.info(&name).map_or(0, |info| info.columns());
        let matrix = self.dense(&[name], &[rows, columns])?;
        let matrix = matrix.to_dtype(DType::F32).map_err(|error| self.failed(&error))?;
        Ok(Matrix::Dense(matrix))
    }

    /// A vector on the host, under its full name, as numbers of the type computed in.
    pub(crate) fn numbers(&mut self, name: &str) -> Result<Vec<f32>, LoadError> {
        let vector = self.vector(&[name.to_owned()])?;
        let numbers = vector.to_dtype(DType::F32).and_then(|vector| vector.to_vec1());
        numbers.map_err(|error| self.failed(&error))
    }

    /// Vectors, one behind the other, in the type computed in.
    pub(crate) fn vector(&mut self, names: &[String]) -> Result<Tensor, LoadError> {
        let infos = names.iter().filter_map(|name| self.weights.store.info(name));
        let length = infos.map(|info| info.rows()).sum();
        self.dense(names, &[length])
    }

    /// These tensors under their names, dense, once they are checked: for networks that put
    /// themselves together.
    pub(crate) fn all(
        &mut self,
        tensors: Vec<(String, Vec<usize>)>,
    ) -> Result<HashMap<String, Tensor>, LoadError> {
        self.check(&tensors)?;
        let mut all = HashMap::new();
        for (name, shape) in tensors {
            let tensor = self.dense(std::slice::from_ref(&name), &shape)?;
            all.insert(name, tensor);
        }
        Ok(all)
    }

    fn dense(&mut self, names: &[String], shape: &[usize]) -> Result<Tensor, LoadError> {
        let columns: usize = shape.iter().skip(1).product();
        let (dtype, device) = (self.held.dtype, self.device);
        if dtype == DType::F32 && device.is_cpu() {
            let mut all: Vec<f32> = Vec::with_capacity(shape.iter().product());
            self.pieces(names, &mut |piece| {
                all.extend_from_slice(&piece);
                Ok(())
            })?;
            return Tensor::from_vec(all, shape, device).map_err(|error| self.failed(&error));
        }
        let mut placed = Vec::new();
        self.pieces(names, &mut |piece| {
            let mut shape = shape.to_vec();
            if let Some(rows) = shape.first_mut() {
                *rows = piece.len() / columns.max(1);
            }
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
        put: &mut dyn FnMut(Vec<f32>) -> Computed<()>,
    ) -> Result<(), LoadError> {
        names.iter().try_for_each(|name| {
            self.raw(name, &mut |stored, bytes| stored.widen(bytes).and_then(&mut *put))
        })
    }

    /// Hands over the rows of a tensor as they are stored, some rows at a time.
    fn raw(
        &mut self,
        name: &str,
        put: &mut dyn FnMut(Stored, &[u8]) -> Computed<()>,
    ) -> Result<(), LoadError> {
        let Some(info) = self.weights.store.info(name) else { return Ok(()) };
        let columns = info.columns();
        let at_once = (PIECE / columns.max(1)).max(1);
        for start in (0..info.rows()).step_by(at_once) {
            let end = (start + at_once).min(info.rows());
            let store = &self.weights.store;
            let done = store.rows(name, start..end, |bytes| put(info.stored, bytes));
            done.ok_or_else(|| self.weights.unread(name))?.map_err(|error| self.failed(&error))?;
            self.advance(info.stored.bytes((end - start) * columns))?;
        }
        Ok(())
    }

    /// Tells that some bytes are done.
    fn advance(&mut self, bytes: usize) -> Result<(), LoadError> {
        self.progress.done += bytes as u64;
        match (self.watch)(&self.progress) {
            ControlFlow::Break(()) => Err(LoadError::cancelled(&self.weights.place)),
            ControlFlow::Continue(()) => Ok(()),
        }
    }
}
