//! The loops around a product's innermost one, whatever its numbers are.

use candle_core::{Result, bail};
use rayon::prelude::*;

use super::{
    super::ThreadedNumbers,
    lanes::{OutputLine, WIDE},
};

/// Fewer rows than this are left to candle: reading the matrix takes the time.
pub(super) const FEWEST: usize = 4;

/// Inputs that a panel takes at a time: 64 kB a line in f32, within a core's second cache.
const DEEP: usize = 1024;

/// Rows that pass by a panel at most: their activations stay in the shared cache.
const ROWS_PER_PASS: usize = 768;

/// Whether this CPU has what kernels are compiled for.
pub(super) fn supported() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("f16c")
}

/// Whether this CPU has registers of 512 bits too.
pub(super) fn has_512() -> bool {
    is_x86_feature_detected!("avx512f")
}

/// The widest instructions that products of f32 matrices use here.
pub(crate) fn instructions() -> &'static str {
    match (supported(), has_512()) {
        (true, true) => "AVX-512",
        (true, false) => "AVX2",
        (false, _) => "candle's own",
    }
}

/// How a kind of matrix `[outputs, inputs]` is multiplied, `LINES` lines of outputs in a panel.
///
/// # Safety
/// Its unsafe methods may be called only where [`Kernel::runs_here`] says so.
pub(super) trait Kernel<const LINES: usize>: Sync {
    /// A row's activations of a step.
    type Left: Copy + Default + Send + Sync;
    /// A panel's weights of a step.
    type Right: Copy + Default;
    /// Inputs of a step, which divide [`DEEP`].
    const STEP: usize;
    /// Rows that are multiplied at a time, at most 12: their sums fill the registers there are.
    const TALL: usize;

    /// Whether this CPU has the instructions of its methods.
    fn runs_here() -> bool {
        supported()
    }

    /// Activations as they are multiplied.
    unsafe fn left(activations: &[f32]) -> Self::Left;

    /// Weights of the outputs from `first` on (there may be less than a panel has: then zeros),
    /// all inputs of them.
    unsafe fn right(&self, first: usize, panel: &mut [Self::Right]);

    /// Sums over the steps.
    unsafe fn sums<const ROWS: usize>(
        left: &[[Self::Left; ROWS]],
        right: &[Self::Right],
    ) -> [[OutputLine<f32>; LINES]; ROWS];
}

/// `x` `[rows, inputs]` times the transposed of a matrix.
pub(super) fn product<K: Kernel<LINES>, const LINES: usize>(
    kernel: &K,
    x: &[f32],
    (rows, inputs, outputs): (usize, usize, usize),
) -> Result<Vec<f32>> {
    let steps = inputs / K::STEP;
    if !K::runs_here() || steps * K::STEP != inputs || x.len() != rows * inputs {
        bail!("{rows} x {inputs} do not fit the steps of a product");
    }
    let mut out = Vec::with_capacity(rows * outputs);
    let place = ThreadedNumbers(out.as_mut_ptr());
    let blocks = rows.div_ceil(ROWS_PER_PASS).max(1);
    let at_once = rows.div_ceil(blocks).next_multiple_of(K::TALL);
    for (block, x) in x.chunks(at_once * inputs).enumerate() {
        let left = lefts::<K, LINES>(x, inputs);
        let rows = x.len() / inputs;
        let wide = LINES * WIDE;
        let panels = (0..outputs.div_ceil(wide)).into_par_iter();
        panels.for_each_init(
            || vec![K::Right::default(); steps],
            |panel, number| {
                let first = number * wide;
                // SAFETY: the CPU is one of those supported.
                unsafe { kernel.right(first, panel) };
                // SAFETY: the rows of the block from its first one on are there, and no other task has
                // these outputs.
                unsafe {
                    let to = place.at(block * at_once * outputs + first);
                    let width = wide.min(outputs - first);
                    panel_of::<K, LINES>(&left, panel, rows, (to, outputs, width));
                }
            },
        );
    }
    // SAFETY: there is room for them, and panels and rows above are all there are.
    unsafe { out.set_len(rows * outputs) };
    Ok(out)
}

/// All rows of a panel. `to`: where they begin, the distance of rows, and the number of outputs.
///
/// # Safety
/// The CPU must have the kernel's instructions; so many rows must be there, and nobody else may use
/// these outputs of them.
unsafe fn panel_of<K: Kernel<LINES>, const LINES: usize>(
    left: &[K::Left],
    panel: &[K::Right],
    rows: usize,
    (to, distance, width): (*mut f32, usize, usize),
) {
    let (steps, deep) = (panel.len(), DEEP / K::STEP);
    for (chunk, right) in panel.chunks(deep).enumerate() {
        let mut row = 0;
        while row < rows {
            let tall = K::TALL.min(rows - row);
            let from = row * steps + chunk * deep * tall;
            let left = &left[from..from + right.len() * tall];
            // SAFETY: as the caller says: `tall` rows from this one on are there. What is added to was
            // written for the first chunk.
            unsafe {
                let place = to.add(row * distance);
                let to = TileTarget { place, row: distance, width, add: chunk > 0 };
                match tall {
                    12 => tile::<K, LINES, 12>(left, right, to),
                    11 => tile::<K, LINES, 11>(left, right, to),
                    10 => tile::<K, LINES, 10>(left, right, to),
                    9 => tile::<K, LINES, 9>(left, right, to),
                    8 => tile::<K, LINES, 8>(left, right, to),
                    7 => tile::<K, LINES, 7>(left, right, to),
                    6 => tile::<K, LINES, 6>(left, right, to),
                    5 => tile::<K, LINES, 5>(left, right, to),
                    4 => tile::<K, LINES, 4>(left, right, to),
                    3 => tile::<K, LINES, 3>(left, right, to),
                    2 => tile::<K, LINES, 2>(left, right, to),
                    _ => tile::<K, LINES, 1>(left, right, to),
                }
            }
            row += tall;
        }
    }
}

/// Activations in the order they are used in: [`Kernel::TALL`] rows, step by step, then the next rows.
fn lefts<K: Kernel<LINES>, const LINES: usize>(x: &[f32], inputs: usize) -> Vec<K::Left> {
    let mut left = vec![K::Left::default(); x.len() / K::STEP];
    let tiles = left.par_chunks_mut(K::TALL * inputs / K::STEP).zip(x.par_chunks(K::TALL * inputs));
    tiles.for_each(|(left, x)| put_left::<K, LINES>(left, x, inputs));
    left
}

/// The rows of a tile, step by step.
fn put_left<K: Kernel<LINES>, const LINES: usize>(left: &mut [K::Left], x: &[f32], inputs: usize) {
    let tall = x.len() / inputs;
    for (row, x) in x.chunks_exact(inputs).enumerate() {
        let places = left[row..].iter_mut().step_by(tall);
        for (left, activations) in places.zip(x.chunks_exact(K::STEP)) {
            // SAFETY: whoever calls has asked for the CPU.
            *left = unsafe { K::left(activations) };
        }
    }
}

/// Where a tile's numbers go.
struct TileTarget {
    place: *mut f32,
    /// From one row to the next.
    row: usize,
    /// Number of outputs in a row.
    width: usize,
    /// Whether to add to what is there.
    add: bool,
}

/// Some rows of a panel.
///
/// # Safety
/// The CPU must be supported; `ROWS` rows of the target must be there and nobody else's, and hold
/// numbers if they are added to.
unsafe fn tile<K: Kernel<LINES>, const LINES: usize, const ROWS: usize>(
    left: &[K::Left],
    right: &[K::Right],
    to: TileTarget,
) {
    // SAFETY: as the caller says.
    let sums = unsafe { K::sums::<ROWS>(left.as_chunks().0, right) };
    for (row, lines) in sums.iter().enumerate() {
        for (line, sums) in lines.iter().enumerate() {
            let before = to.width.min(line * WIDE);
            let width = WIDE.min(to.width - before);
            let sums = &sums.0.as_flattened()[..width];
            // SAFETY: as the caller says; numbers that are not written yet are only written.
            unsafe {
                let place = to.place.add(row * to.row + before);
                if to.add {
                    let out = std::slice::from_raw_parts_mut(place, width);
                    out.iter_mut().zip(sums).for_each(|(out, sum)| *out += sum);
                } else {
                    std::ptr::copy_nonoverlapping(sums.as_ptr(), place, width);
                }
            }
        }
    }
}
