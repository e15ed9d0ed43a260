//! From logits to columns, on the device, in chunks of rows: nothing of vocabulary size is kept.
//!
//! On a CPU the logits are in reach already and each row is read in place ([`host`]); elsewhere
//! the same reductions are tensor operations ([`tensor`]) and only their results are copied.

mod host;
mod tensor;

use candle_core::{Result, Tensor};

use crate::{
    canvas::{NO_TOKEN, TokenId},
    predict::{Column, ColumnKind, Data, Prediction, Request},
};

/// What is known of one row: all columns are computed, the request's are kept.
#[derive(Debug, Clone)]
struct ReducedRow {
    /// Tokens and numbers, each at the place of its column; none and NaN where there is no value.
    ids: [TokenId; Column::ALL.len()],
    numbers: [f32; Column::ALL.len()],
    /// The most probable tokens, best first.
    top: Vec<(TokenId, f32)>,
}

impl ReducedRow {
    fn of(
        ids: impl IntoIterator<Item = (Column, TokenId)>,
        numbers: impl IntoIterator<Item = (Column, f32)>,
        top: impl Iterator<Item = (TokenId, f32)>,
    ) -> Self {
        let mut row = Self {
            ids: [NO_TOKEN; Column::ALL.len()],
            numbers: [f32::NAN; Column::ALL.len()],
            top: top.collect(),
        };
        ids.into_iter().for_each(|(column, id)| row.ids[column as usize] = id);
        numbers.into_iter().for_each(|(column, number)| row.numbers[column as usize] = number);
        row
    }

    fn id(&self, column: Column) -> TokenId {
        self.ids[column as usize]
    }

    fn number(&self, column: Column) -> f32 {
        self.numbers[column as usize]
    }
}

/// Collects the rows of a request, chunk after chunk.
pub(super) struct Reducer<'a> {
    request: &'a Request,
    rows: Vec<ReducedRow>,
}

impl<'a> Reducer<'a> {
    pub(super) fn new(request: &'a Request) -> Self {
        Self { request, rows: Vec::with_capacity(request.rows.len()) }
    }

    /// Takes the next rows: logits `[rows, columns]`, f32, guidance applied; `earlier` those of
    /// the request's earlier canvas, if it has one.
    pub(super) fn push(&mut self, logits: &Tensor, earlier: Option<&Tensor>) -> Result<()> {
        let first = self.rows.len();
        let rows = if logits.device().is_cpu() {
            host::reduce(logits, earlier, self.request, first)?
        } else {
            tensor::reduce(logits, earlier, self.request, first)?
        };
        self.rows.extend(rows);
        Ok(())
    }

    /// The columns asked for.
    pub(super) fn finish(self) -> Prediction {
        let rows = || self.rows.iter();
        // The predictor adds what is seen at shadows: it is read from other rows.
        let columns = self.request.answered().filter(|&column| column != Column::PShadow);
        columns.fold(Prediction::new(self.rows.len()), |prediction, column| {
            let data = match column.spec().kind {
                ColumnKind::Token => Data::Ids(rows().map(|row| row.id(column)).collect()),
                ColumnKind::Candidates => {
                    let count = match column {
                        Column::Alternatives => self.request.alternatives.unwrap_or(0),
                        _ => self.request.top_k,
                    };
                    Data::Ranked(rows().map(|row| row.top.iter().copied().take(count)).collect())
                }
                _ => Data::Numbers(rows().map(|row| row.number(column)).collect()),
            };
            prediction.with(column, data)
        })
    }
}

/// The prediction that a request asks for, from logits that another program computed: those of all its
/// rows one after the other, `columns` (at least 1) a row, with guidance applied. Rows whose logits
/// are missing are left out. Shadows and comparisons with an earlier canvas need other logits too.
pub fn reduce(request: &Request, logits: &[f32], columns: usize) -> Prediction {
    let rows = host::reduce_rows(logits, columns, request, 0);
    Reducer { request, rows }.finish()
}

/// How many of the best tokens of a row are looked for: the second best is always needed.
fn candidates(request: &Request) -> usize {
    request.top_k.max(request.alternatives.unwrap_or(0)).max(2)
}

/// The token that row `row` of the request holds now.
fn current(request: &Request, row: usize) -> TokenId {
    request.pass.ids[request.rows.start + row]
}

/// What credit adds to logits of row `row` of the request, whose best token and its probability are
/// `best`.
fn boosts(request: &Request, row: usize, best: (TokenId, f32)) -> Vec<(TokenId, f32)> {
    let masked = current(request, row) == request.special.mask;
    request.credits.as_ref().map(|credits| credits.boosts(row, masked, best)).unwrap_or_default()
}

/// What is added to logits of row `row` of the request before all else.
fn lowered(request: &Request, row: usize) -> Vec<(TokenId, f32)> {
    let from = request.lowered.partition_point(|&(other, ..)| other < row);
    let here = request.lowered[from..].iter().take_while(|&&(other, ..)| other == row);
    here.map(|&(_, token, by)| (token, -by)).collect()
}

/// The tokens made impossible in row `row` of the request, of those the logits have.
fn suppressed(request: &Request, row: usize, columns: usize) -> impl Iterator<Item = TokenId> {
    let from = request.suppressed.partition_point(|&(other, _)| other < row);
    let here = request.suppressed[from..].iter().take_while(move |&&(other, _)| other == row);
    here.map(|&(_, token)| token).filter(move |&token| (token as usize) < columns)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::{
        canvas::{Slot, SpecialTokens},
        predict::{Attention, ColumnSet, Credits, Filters, Pass, Sampling, Score},
    };

    const COLUMNS: usize = 37;

    fn request(rows: usize, temperature: f64) -> Request {
        Request {
            pass: Pass { ids: vec![3; rows + 2], positions: None, attention: Attention::Full },
            guidance: None,
            rows: 2..rows + 2,
            shift: false,
            sampling: (temperature > 0.0).then(|| Sampling {
                temperature,
                seed: 7,
                step: 1,
                slots: (0..rows as u32).map(Slot).collect(),
            }),
            suppressed: Vec::new(),
            lowered: Vec::new(),
            begin_suppressed: Vec::new(),
            filters: None,
            score: None,
            earlier: None,
            shadow: None,
            credits: None,
            alternatives: Some(6),
            targets: Vec::new(),
            cached: None,
            special: SpecialTokens { mask: 5, eos: 9 },
            columns: ColumnSet::of(&Column::ALL),
            top_k: 4,
        }
    }

    /// A row as it can be compared: NaN is the same as NaN.
    fn bits(row: &ReducedRow) -> (Vec<TokenId>, Vec<u32>, Vec<(TokenId, f32)>) {
        let numbers = row.numbers.iter().map(|number| number.to_bits());
        (row.ids.to_vec(), numbers.collect(), row.top.clone())
    }

    fn logits(rows: usize) -> Tensor {
        let values: Vec<f32> = (0..rows * COLUMNS)
            .map(|i| {
                ((i * 7919 + 13) % 1009) as f32 / 80.0 - if i % COLUMNS == 5 { -9.0 } else { 0.0 }
            })
            .collect();
        Tensor::from_vec(values, (rows, COLUMNS), &Device::Cpu).unwrap()
    }

    #[test]
    fn host_and_tensor_reductions_agree() {
        for temperature in [0.0, 1.5] {
            let (request, logits) = (request(12, temperature), logits(12));
            let host = host::reduce(&logits, None, &request, 0).unwrap();
            let tensor = tensor::reduce(&logits, None, &request, 0).unwrap();
            for (a, b) in host.iter().zip(&tensor) {
                let close = |x: f32, y: f32| assert!((x - y).abs() < 1e-5, "{a:?} {b:?}");
                assert_eq!(a.ids, b.ids);
                let known = a.numbers.iter().zip(&b.numbers).filter(|(x, _)| !x.is_nan());
                assert_eq!(known.clone().count(), b.numbers.iter().filter(|y| !y.is_nan()).count());
                known.for_each(|(x, y)| close(*x, *y));
                assert_eq!(a.top.len(), 6);
                for (x, y) in a.top.iter().zip(&b.top) {
                    assert_eq!(x.0, y.0);
                    close(x.1, y.1);
                }
            }
        }
    }

    #[test]
    fn a_suppressed_token_gives_its_share_to_the_others() {
        let (mut request, logits) = (request(12, 0.0), logits(12));
        let reduced = |request: &Request| {
            let mut reducer = Reducer::new(request);
            for (start, rows) in [(0, 5), (5, 7)] {
                reducer.push(&logits.narrow(0, start, rows).unwrap(), None).unwrap();
            }
            reducer.rows
        };
        let free = reduced(&request);
        let [(best, _), (second, _), ..] = free[7].top[..] else { panic!("{:?}", free[7]) };
        assert_eq!(best, request.special.mask, "what is left without it is known then");
        request.suppressed = vec![(7, best)];
        let vetoed = reduced(&request);
        let row = &vetoed[7];
        assert_eq!((row.id(Column::Argmax), row.id(Column::Choice)), (second, second));
        let p = free[7].number(Column::PBestUnmask);
        assert!((row.number(Column::PChoice) - p).abs() < 1e-6, "{row:?}");
        let others = |rows: &[ReducedRow]| {
            [&rows[..7], &rows[8..]].concat().iter().map(bits).collect::<Vec<_>>()
        };
        assert_eq!(others(&vetoed), others(&free));
    }

    #[test]
    fn filters_and_comparisons_agree_on_both_ways() {
        let rows = 12;
        let (now, then) = (logits(rows), (logits(rows) * 0.7).unwrap());
        let with = |temperature: f64, top_p: f64, top_k: usize, score| Request {
            filters: Some(Filters { temperature, top_p, top_k, strict: top_k == 9 }),
            score: Some(score),
            begin_suppressed: vec![3],
            suppressed: vec![(1, 2), (1, 30), (4, 7)],
            lowered: vec![(0, 3, 2.5), (1, 4, 0.5), (1, 30, 1.0), (4, 36, 9.0), (7, 99, 1.0)],
            ..request(rows, 0.0)
        };
        for request in [
            with(0.2, 0.95, 0, Score::NegEntropy),
            with(0.0, 0.5, 0, Score::Margin),
            with(0.7, 1.0, 5, Score::NegEntropy),
            with(0.7, 1.0, 5, Score::Gap),
            with(1.5, 0.9, 9, Score::Margin),
        ] {
            let host = host::reduce(&now, None, &request, 0).unwrap();
            let tensor = tensor::reduce(&now, None, &request, 0).unwrap();
            for (a, b) in host.iter().zip(&tensor) {
                let filters = request.filters;
                for column in [Column::Argmax, Column::Choice] {
                    assert_eq!(a.id(column), b.id(column), "{filters:?}");
                }
                for column in [Column::PChoice, Column::PEos, Column::Score] {
                    let (a, b) = (a.number(column), b.number(column));
                    assert!((a - b).abs() < 1e-5, "{a} {b} {filters:?}");
                }
            }
            let possible = |row: &ReducedRow| row.top.iter().filter(|(_, p)| *p > 0.0).count();
            if request.filters.is_some_and(|filters| filters.top_k == 5) {
                assert!(host.iter().all(|row| possible(row) <= 5));
            }
        }
        let request = request(rows, 0.0);
        let host = host::reduce(&now, Some(&then), &request, 0).unwrap();
        let tensor = tensor::reduce(&now, Some(&then), &request, 0).unwrap();
        for (a, b) in host.iter().zip(&tensor) {
            let (a, b) = (a.number(Column::Kl), b.number(Column::Kl));
            assert!((a - b).abs() < 1e-5 && a > 0.0, "{a} {b}");
        }
        let same = host::reduce(&now, Some(&now), &request, 0).unwrap();
        assert!(same.iter().all(|row| row.number(Column::Kl).abs() < 1e-6));
    }

    /// A lowered logit is what the row would have without it, but for that one logit.
    #[test]
    fn lowered_logits_count_everywhere() {
        let (plain, mut asked, logits) = (request(3, 0.0), request(3, 0.0), logits(3));
        let free = host::reduce(&logits, None, &plain, 0).unwrap();
        let best = free[1].id(Column::Argmax);
        asked.lowered = vec![(1, best, 40.0)];
        let mut rows: Vec<Vec<f32>> = logits.to_vec2().unwrap();
        rows[1][best as usize] -= 40.0;
        let changed = Tensor::new(rows, &Device::Cpu).unwrap();
        let expected = host::reduce(&changed, None, &plain, 0).unwrap();
        let found = host::reduce(&logits, None, &asked, 0).unwrap();
        for (row, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(bits(found), bits(expected), "{row}");
        }
        assert_ne!(found[1].id(Column::Argmax), best);
    }

    /// Credit counts in the choice and nowhere else: it is what softmax makes of raised logits.
    #[test]
    fn credit_raises_what_is_chosen() {
        let logits = logits(6);
        for (begin, temperature) in [(vec![], 0.0), (vec![3], 0.0), (vec![], 1.5)] {
            let plain = Request { begin_suppressed: begin, ..request(6, temperature) };
            let free = host::reduce(&logits, None, &plain, 0).unwrap();
            let [(_, _), (second, _), ..] = free[1].top[..] else { panic!("{:?}", free[1]) };
            let mut asked = plain.clone();
            asked.pass.ids[3..8].fill(plain.special.mask);
            let (alpha, gamma) = (2.0, 0.5);
            // Row 0 holds a token, and row 5 is left out.
            let credits = Credits { alpha, gamma, rows: 0..5, earlier: vec![(1, second, 40.0)] };
            asked.credits = Some(credits);
            let host = host::reduce(&logits, None, &asked, 0).unwrap();
            let tensor = tensor::reduce(&logits, None, &asked, 0).unwrap();
            for (row, (a, b)) in host.iter().zip(&tensor).enumerate() {
                assert_eq!(a.ids, b.ids, "{row}");
                let p = [a, b].map(|row| row.number(Column::PChoice));
                assert!((p[0] - p[1]).abs() < 1e-5, "{row}: {p:?}");
                let (argmax, p_argmax) = (a.id(Column::Argmax), a.number(Column::PArgmax));
                assert_eq!(argmax, free[row].id(Column::Argmax));
                assert_eq!(p_argmax, free[row].number(Column::PArgmax));
                assert_eq!(a.number(Column::Entropy), free[row].number(Column::Entropy));
                // The same logits, raised by hand.
                let mut raised: Vec<f32> = logits.get(row).unwrap().to_vec1().unwrap();
                let raise = |credit: f64| (alpha * (1.0 + credit).ln()) as f32;
                if (1..5).contains(&row) {
                    let earned = f64::from(p_argmax).powf(gamma);
                    raised[argmax as usize] += raise(earned);
                }
                if row == 1 {
                    raised[second as usize] += raise(40.0);
                }
                let raised = Tensor::from_vec(raised, (1, COLUMNS), &Device::Cpu).unwrap();
                let expected = &host::reduce(&raised, None, &plain, row).unwrap()[0];
                assert_eq!(a.id(Column::Choice), expected.id(Column::Choice));
                let expected = expected.number(Column::PChoice);
                assert!((p[0] - expected).abs() < 1e-6, "{row}: {} {expected}", p[0]);
                let same = p[0] == free[row].number(Column::PChoice);
                assert_eq!(same, row == 0 || row == 5, "{row}");
            }
        }
    }

    #[test]
    fn chunks_do_not_matter() {
        let (mut request, logits) = (request(12, 0.7), logits(12));
        request.suppressed = vec![(2, 1), (6, 3), (6, 4)];
        request.lowered = vec![(1, 7, 3.0), (5, 8, 1.0), (11, 9, 2.0)];
        let whole = {
            let mut reducer = Reducer::new(&request);
            reducer.push(&logits, None).unwrap();
            reducer.finish()
        };
        let mut reducer = Reducer::new(&request);
        for (start, rows) in [(0, 5), (5, 1), (6, 6)] {
            reducer.push(&logits.narrow(0, start, rows).unwrap(), None).unwrap();
        }
        assert_eq!(reducer.finish(), whole);
    }

    /// Where a sort puts a token, in each row and on both ways, is its rank.
    #[test]
    fn a_target_has_its_place_in_a_sort() {
        let rows = 4;
        let flat = Tensor::zeros((rows, COLUMNS), candle_core::DType::F32, &Device::Cpu).unwrap();
        let with = |target: TokenId| Request {
            targets: (1..rows).map(|row| (row, target)).collect(),
            suppressed: vec![(1, 2), (3, 30)],
            lowered: vec![(2, 4, 3.5)],
            begin_suppressed: vec![3],
            ..request(rows, 0.0)
        };
        for logits in [&logits(rows), &flat] {
            for target in 0..=COLUMNS as TokenId {
                let request = with(target);
                let host = host::reduce(logits, None, &request, 0).unwrap();
                let tensor = tensor::reduce(logits, None, &request, 0).unwrap();
                for (at, (a, b)) in host.iter().zip(&tensor).enumerate() {
                    let [p, rank] = [Column::PTarget, Column::TargetRank];
                    if at == 0 {
                        assert!([p, rank].iter().all(|&c| a.number(c).is_nan()));
                        assert!([p, rank].iter().all(|&c| b.number(c).is_nan()));
                        continue;
                    }
                    let mut row: Vec<f32> = logits.get(at).unwrap().to_vec1().unwrap();
                    if at == 2 {
                        row[4] -= 3.5;
                    }
                    request.suppressed.iter().filter(|(row, _)| *row == at).for_each(
                        |(_, token)| {
                            row[*token as usize] = f32::NEG_INFINITY;
                        },
                    );
                    row[3] = f32::NEG_INFINITY;
                    let mut order: Vec<TokenId> = (0..COLUMNS as TokenId).collect();
                    order.sort_by(|&a, &b| row[b as usize].total_cmp(&row[a as usize]));
                    let place = order.iter().position(|&token| token == target);
                    let expected = place.map_or(COLUMNS + 1, |place| place + 1) as f32;
                    assert_eq!([a.number(rank), b.number(rank)], [expected; 2], "{target} {at}");
                    assert!((a.number(p) - b.number(p)).abs() < 1e-5);
                    let candidate = a.top.iter().find(|(token, _)| *token == target);
                    candidate.into_iter().for_each(|&(_, known)| assert_eq!(a.number(p), known));
                }
            }
        }
    }

    #[test]
    fn ties_go_to_the_lowest_id() {
        let flat = Tensor::zeros((1, COLUMNS), candle_core::DType::F32, &Device::Cpu).unwrap();
        let row = &host::reduce(&flat, None, &request(1, 0.0), 0).unwrap()[0];
        let tokens = [Column::Argmax, Column::Choice, Column::BestUnmask];
        assert_eq!(tokens.map(|column| row.id(column)), [0, 0, 0]);
        assert_eq!(row.top.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
        assert!((row.number(Column::Entropy) - (COLUMNS as f32).ln()).abs() < 1e-5);
    }

    #[test]
    fn nan_never_becomes_a_number() {
        let mut values = vec![0.5_f32; COLUMNS];
        values[3] = f32::NAN;
        let nan = Tensor::from_vec(values, (1, COLUMNS), &Device::Cpu).unwrap();
        let row = &host::reduce(&nan, None, &request(1, 0.0), 0).unwrap()[0];
        assert!(row.number(Column::PChoice).is_nan() && row.number(Column::PEos).is_nan());
    }
}
