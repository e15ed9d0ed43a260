//! The choice of `torch.topk` on a CPU, ties included.
//!
//! Samplers take the best positions of a block with it. Among equal values it takes what its
//! partial sort happens to leave in front, and where fewer masks are left than are asked for, all
//! other positions are equal (−∞) and some of them are taken: a decision depends on the order.
//! PyTorch sorts with the C++ library of GNU (`std::partial_sort`, `std::nth_element`), whose steps
//! are those below; 30,000 lists with ties came out equal.

/// A value and where it stands.
type Entry = (f32, usize);

/// True if `a` comes before `b`: greater first. Values must not be NaN.
fn before(a: Entry, b: Entry) -> bool {
    a.0 > b.0
}

/// The places of the `k` greatest of `values`, greatest first, in order of places among equals.
/// Which of equal values at the border are taken is what PyTorch would take.
///
/// `values` must not hold NaN; a `k` beyond their number takes all.
pub(super) fn top_k(values: &[f32], k: usize) -> Vec<usize> {
    let mut entries: Vec<Entry> = values.iter().copied().zip(0..).collect();
    let (n, k) = (entries.len(), k.min(values.len()));
    if k > 0 && k < n {
        // As in ATen's `topk_impl_loop`.
        match k * 64 <= n {
            true => select_by_heap(&mut entries, k),
            false => select_by_partition(&mut entries, k - 1),
        }
    }
    entries.truncate(k);
    entries.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    entries.into_iter().map(|(_, place)| place).collect()
}

/// Moves the `k` first in order to the front (`std::__heap_select`).
fn select_by_heap(entries: &mut [Entry], k: usize) {
    let (heap, rest) = entries.split_at_mut(k);
    for parent in (0..k / 2).rev() {
        let value = heap[parent];
        sift(heap, parent, value);
    }
    for entry in rest {
        if before(*entry, heap[0]) {
            let value = std::mem::replace(entry, heap[0]);
            sift(heap, 0, value);
        }
    }
}

/// Puts `value` into a heap whose place `hole` is free (`std::__adjust_heap`): the hole goes down to
/// a leaf, and the value up from there.
fn sift(heap: &mut [Entry], mut hole: usize, value: Entry) {
    let (top, n) = (hole, heap.len());
    let mut child = hole;
    while child < (n - 1) / 2 {
        child = 2 * (child + 1);
        if before(heap[child], heap[child - 1]) {
            child -= 1;
        }
        heap[hole] = heap[child];
        hole = child;
    }
    if n.is_multiple_of(2) && child == (n - 2) / 2 {
        child = 2 * child + 1;
        heap[hole] = heap[child];
        hole = child;
    }
    while hole > top && before(heap[(hole - 1) / 2], value) {
        heap[hole] = heap[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    heap[hole] = value;
}

/// Brings the entry of rank `nth` to its place, what comes before it to its left
/// (`std::__introselect`).
fn select_by_partition(entries: &mut [Entry], nth: usize) {
    let (mut first, mut last) = (0, entries.len());
    let mut depth = 2 * entries.len().ilog2();
    while last - first > 3 {
        if depth == 0 {
            select_by_heap(&mut entries[first..last], nth + 1 - first);
            entries.swap(first, nth);
            return;
        }
        depth -= 1;
        let cut = first + partition(&mut entries[first..last]);
        match cut <= nth {
            true => first = cut,
            false => last = cut,
        }
    }
    insertion_sort(&mut entries[first..last]);
}

/// Parts the entries around the median of three and says where the second part begins
/// (`std::__unguarded_partition_pivot`).
fn partition(entries: &mut [Entry]) -> usize {
    let (a, b, c) = (1, entries.len() / 2, entries.len() - 1);
    let less = |x: usize, y: usize| before(entries[x], entries[y]);
    let median = match (less(a, b), less(b, c), less(a, c)) {
        (true, true, _) => b,
        (true, false, true) => c,
        (true, false, false) => a,
        (false, _, true) => a,
        (false, true, false) => c,
        (false, false, false) => b,
    };
    entries.swap(0, median);
    let (mut left, mut right) = (1, entries.len());
    loop {
        while before(entries[left], entries[0]) {
            left += 1;
        }
        right -= 1;
        while before(entries[0], entries[right]) {
            right -= 1;
        }
        if left >= right {
            return left;
        }
        entries.swap(left, right);
        left += 1;
    }
}

/// As `std::__insertion_sort`: what comes before the first entry goes to the front at once.
fn insertion_sort(entries: &mut [Entry]) {
    for at in 1..entries.len() {
        let value = entries[at];
        let place = match before(value, entries[0]) {
            true => 0,
            false => {
                entries[..at].iter().rposition(|&other| !before(value, other)).map_or(0, |p| p + 1)
            }
        };
        entries[place..=at].rotate_right(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What torch 2.15 took, on a CPU.
    #[test]
    fn ties_are_broken_as_pytorch_breaks_them() {
        const NONE: f32 = f32::NEG_INFINITY;
        let check = |values: &[f32], k: usize, expected: &[usize]| {
            let mut taken = top_k(values, k);
            taken.sort_unstable();
            assert_eq!(taken, expected, "{values:?} {k}");
        };
        check(&[NONE, NONE, NONE, 0.5], 2, &[2, 3]);
        check(&[NONE, 0.3, NONE, NONE], 2, &[1, 3]);
        check(&[0.2, NONE, NONE, NONE, NONE, NONE, NONE, NONE], 3, &[0, 5, 6]);
        check(&[NONE, NONE, NONE, NONE], 2, &[2, 3]);
        check(&[NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE], 5, &[2, 4, 5, 6, 7]);
        check(&[0.5, 0.5, 0.5, 0.5, 0.5], 2, &[2, 4]);
        check(&[0.5, 0.5, 0.25, 0.5, 0.25, 0.5, 0.25], 4, &[0, 1, 3, 5]);
        check(&[0.5, 0.25, 0.75, NONE, NONE, NONE, 0.5, NONE], 3, &[0, 2, 6]);
        check(
            &[
                0.25, NONE, NONE, 0.75, 0.75, NONE, 0.25, NONE, 0.75, NONE, NONE, 0.25, NONE, 0.75,
                NONE, 0.25,
            ],
            4,
            &[3, 4, 8, 13],
        );
        check(
            &[
                NONE, 0.25, 0.5, 0.75, 0.25, NONE, 0.5, 0.25, NONE, 0.25, 0.5, NONE, NONE, NONE,
                0.25, 0.75,
            ],
            9,
            &[1, 2, 3, 6, 7, 9, 10, 14, 15],
        );
        check(
            &[
                0.75, 0.5, 0.75, 0.75, 0.5, 0.5, 0.25, 0.25, 0.25, NONE, 0.5, 0.75, 0.5, 0.75, 0.5,
                NONE,
            ],
            15,
            &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14],
        );
        check(
            &[
                NONE, 0.5, NONE, 0.5, NONE, 0.5, 0.5, NONE, NONE, 0.5, 0.5, 0.5, 0.5, 0.5, NONE,
                NONE, 0.5, 0.5, NONE, NONE, 0.5, 0.5, 0.5, 0.5, 0.5, NONE, 0.5, 0.5, NONE, NONE,
                0.5, NONE, NONE, 0.5, NONE, NONE, 0.5, 0.5, 0.5, NONE, NONE, 0.5, 0.5, 0.5, NONE,
                0.5, 0.5, 0.5, 0.5, 0.5, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, 0.5, NONE,
                0.5, 0.5, NONE, NONE,
            ],
            1,
            &[1],
        );
        check(
            &[
                0.5, 0.25, 0.5, 0.25, 0.25, 0.5, NONE, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, NONE,
                0.5, 0.25, 0.25, 0.5, 0.5, 0.5, 0.5, NONE, 0.5, 0.25, 0.5, NONE, NONE, NONE, NONE,
                0.5, NONE, NONE, 0.5, 0.25, NONE, NONE, NONE, 0.25, NONE, 0.25, NONE, 0.5, 0.25,
                NONE, NONE, NONE, 0.25, 0.5, NONE, 0.25, 0.5, 0.5, 0.25, 0.5, 0.5, NONE, NONE, 0.5,
                0.5, 0.5, 0.5, 0.5, NONE, NONE, NONE, 0.25, 0.5, 0.25, 0.5, 0.5, 0.25, NONE, 0.25,
                NONE, NONE, 0.25, 0.5, NONE, 0.25, 0.25, NONE, 0.25, 0.5, 0.25, NONE, 0.25, 0.5,
                0.25, 0.5, NONE, 0.5, NONE, 0.25, 0.25, 0.25, 0.5, 0.25, NONE, 0.25, NONE, NONE,
                0.5, 0.25, NONE, NONE, 0.25, 0.5, 0.5, 0.25, NONE, NONE, 0.5, 0.5, 0.5, NONE, 0.25,
                0.25, 0.5, 0.5, 0.25, 0.5, 0.5, NONE, NONE, NONE, NONE, 0.5, NONE,
            ],
            2,
            &[0, 2],
        );
    }

    #[test]
    fn without_ties_the_greatest_are_taken() {
        let values: Vec<f32> = (0..200).map(|at| ((at * 37) % 200) as f32).collect();
        for k in [0, 1, 2, 3, 7, 64, 199, 200, 300] {
            let taken: Vec<f32> = top_k(&values, k).into_iter().map(|at| values[at]).collect();
            let expected: Vec<f32> = (0..200).rev().take(k).map(|value| value as f32).collect();
            assert_eq!(taken, expected, "{k}");
        }
    }
}
