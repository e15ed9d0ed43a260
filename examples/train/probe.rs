//! Quick measurements during training: greedy decoding of held-out word problems, and what
//! the tail of an all-mask canvas says about its length.

use demask::eval::tasks::{self, Task, TaskProblem};

use crate::batch::{Kind, Packed};
use crate::net::{Layout, Workspace};
use crate::vocabulary::{Vocabulary, chat};

/// Share of `count` held-out word problems of 1 to 5 events answered right, decoding all
/// positions above 0.9 in each pass, or else the best, at the true length plus `extra`.
pub fn word_problems(
    layout: &Layout,
    w: &[f32],
    vocabulary: &Vocabulary,
    count: usize,
    extra: usize,
) -> (f64, String) {
    let problems: Vec<TaskProblem> =
        tasks::held_out(Task::WordProblem, 1).filter(|p| p.size <= 5).take(count).collect();
    let mut canvases: Vec<(Vec<u32>, usize)> = problems
        .iter()
        .map(|p| {
            let mut ids = vocabulary.encode(&chat(&p.prompt));
            let start = ids.len();
            ids.extend(std::iter::repeat_n(
                vocabulary.mask,
                vocabulary.encode(&p.answer).len() + extra,
            ));
            (ids, start)
        })
        .collect();
    let mut space = Workspace::default();
    let v = vocabulary.size;
    loop {
        let mut busy = false;
        for group in canvases.chunks_mut(8) {
            let mut packed = Packed::default();
            let mut places = Vec::new();
            for (index, (ids, _)) in group.iter().enumerate() {
                let masked: Vec<u32> =
                    (0..ids.len() as u32).filter(|&i| ids[i as usize] == vocabulary.mask).collect();
                if masked.is_empty() {
                    continue;
                }
                places.extend(masked.iter().map(|&i| (index, i as usize)));
                packed.push(ids, masked.into_iter().map(|i| (i, 0, 1.0, Kind::Text)));
            }
            if places.is_empty() {
                continue;
            }
            busy = true;
            let probabilities = space.probabilities(layout, w, &packed);
            let mut best = vec![(0usize, 0u32, -1f32); group.len()];
            let mut done = vec![false; group.len()];
            for (&(index, at), row) in places.iter().zip(probabilities.chunks_exact(v)) {
                let (token, p) = top(row, vocabulary.mask);
                if p > 0.9 {
                    group[index].0[at] = token;
                    done[index] = true;
                } else if p > best[index].2 {
                    best[index] = (at, token, p);
                }
            }
            for (index, (at, token, p)) in best.into_iter().enumerate() {
                if !done[index] && p >= 0.0 {
                    group[index].0[at] = token;
                }
            }
        }
        if !busy {
            break;
        }
    }
    let mut right = 0;
    let mut sample = String::new();
    for (problem, (ids, start)) in problems.iter().zip(&canvases) {
        let text = text_of(vocabulary, &ids[*start..]);
        if problem.check(&text) {
            right += 1;
        } else {
            sample = format!("{} => {}", problem.prompt, text);
        }
    }
    (f64::from(right) / problems.len() as f64, sample)
}

/// Mean EOS confidence of all-mask canvases: long enough (true length plus 32), too short
/// (60 %), looking at `window` positions.
pub fn tail(
    layout: &Layout,
    w: &[f32],
    vocabulary: &Vocabulary,
    count: usize,
    window: usize,
) -> (f64, f64) {
    let mut space = Workspace::default();
    let (mut long, mut short) = (0.0, 0.0);
    let problems = mixed(count);
    for problem in &problems {
        let prompt = vocabulary.encode(&chat(&problem.prompt));
        let length = vocabulary.encode(&problem.answer).len();
        long += confidence(layout, w, vocabulary, &mut space, &prompt, length + 32, window);
        short += confidence(
            layout,
            w,
            vocabulary,
            &mut space,
            &prompt,
            (length * 6 / 10).max(1),
            window,
        );
    }
    (long / problems.len() as f64, short / problems.len() as f64)
}

/// Rank correlation of stage 1's final length with the true length, over all tasks and over
/// word problems only; EOS confidence below 0.5 lengthens the canvas by 8, from 32.
pub fn stage_one(
    layout: &Layout,
    w: &[f32],
    vocabulary: &Vocabulary,
    count: usize,
    window: usize,
) -> (f64, f64) {
    let mut space = Workspace::default();
    let mut pairs = Vec::new();
    for problem in &mixed(count) {
        let prompt = vocabulary.encode(&chat(&problem.prompt));
        let length = vocabulary.encode(&problem.answer).len();
        let mut canvas = 32;
        while canvas < 320
            && confidence(layout, w, vocabulary, &mut space, &prompt, canvas, window) < 0.5
        {
            canvas += 8;
        }
        pairs.push((length as f64, canvas as f64, problem.task));
    }
    let words: Vec<_> = pairs.iter().copied().filter(|p| p.2 == Task::WordProblem).collect();
    (rank_correlation(&pairs), rank_correlation(&words))
}

fn mixed(count: usize) -> Vec<TaskProblem> {
    let each = count.div_ceil(Task::ALL.len());
    Task::ALL.iter().flat_map(|&task| tasks::held_out(task, 4).take(each)).collect()
}

fn confidence(
    layout: &Layout,
    w: &[f32],
    vocabulary: &Vocabulary,
    space: &mut Workspace,
    prompt: &[u32],
    length: usize,
    window: usize,
) -> f64 {
    let mut ids = prompt.to_vec();
    ids.extend(std::iter::repeat_n(vocabulary.mask, length));
    let mut packed = Packed::default();
    let first = length.saturating_sub(window);
    packed.push(&ids, (first..length).map(|i| ((prompt.len() + i) as u32, 0, 1.0, Kind::Text)));
    let probabilities = space.probabilities(layout, w, &packed);
    let mut total = 0.0;
    for row in probabilities.chunks_exact(vocabulary.size).rev() {
        let (token, p) = top(row, vocabulary.mask);
        if token == vocabulary.eos {
            total += f64::from(p);
        }
    }
    total / window as f64
}

/// The most probable entry other than the mask.
fn top(row: &[f32], mask: u32) -> (u32, f32) {
    let mut best = (0, -1f32);
    for (token, &p) in row.iter().enumerate() {
        if p > best.1 && token as u32 != mask {
            best = (token as u32, p);
        }
    }
    best
}

fn text_of(vocabulary: &Vocabulary, ids: &[u32]) -> String {
    let end = ids.iter().position(|&id| id == vocabulary.eos).unwrap_or(ids.len());
    vocabulary.decode(&ids[..end])
}

fn rank_correlation(pairs: &[(f64, f64, Task)]) -> f64 {
    let ranks = |values: Vec<f64>| -> Vec<f64> {
        values
            .iter()
            .map(|x| {
                let below = values.iter().filter(|y| *y < x).count() as f64;
                let equal = values.iter().filter(|y| *y == x).count() as f64;
                below + (equal - 1.0) / 2.0
            })
            .collect()
    };
    let a = ranks(pairs.iter().map(|p| p.0).collect());
    let b = ranks(pairs.iter().map(|p| p.1).collect());
    let n = a.len() as f64;
    let (ma, mb) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let cov: f64 = a.iter().zip(&b).map(|(x, y)| (x - ma) * (y - mb)).sum();
    let (va, vb): (f64, f64) =
        (a.iter().map(|x| (x - ma).powi(2)).sum(), b.iter().map(|y| (y - mb).powi(2)).sum());
    cov / (va * vb).sqrt().max(1e-9)
}
