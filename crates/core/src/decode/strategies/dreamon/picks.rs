//! What a step does: which positions it decides, and what becomes of each.

use std::collections::BTreeMap;

use super::{DreamOn, Settings, State};
use crate::{
    canvas::{Canvas, Edit, TokenId},
    decode::{
        DecisionOf, DecodeError, FillRule, Growth, LeftRule, Mode, RefuseRule, Verdict,
        blocks::{IDLE, Over, outside},
        noise::{NoisePlace, Purpose},
        strategy::Context,
        top_k::top_k,
    },
    predict::{Column, Prediction},
};

/// Masks that an expand token becomes.
const MASKS: usize = 2;

/// What a position becomes.
#[derive(Clone, Copy)]
enum Fate {
    Written(TokenId, FillRule),
    /// It counts as an end of sequence.
    Ends(FillRule),
    Expands(FillRule),
    /// The user asked for it.
    Forced,
    Left(LeftRule),
}

/// What a step is decided on.
struct InfillEvidence<'a> {
    canvas: &'a Canvas,
    settings: &'a Settings,
    choice: &'a [TokenId],
    p: &'a [f32],
    /// Masks that may be decided, in order.
    open: Vec<usize>,
    /// What positions are ranked by.
    score: &'a [f32],
    place: NoisePlace,
}

impl<'a> InfillEvidence<'a> {
    fn of(at: Context<'a, DreamOn>, prediction: &'a Prediction) -> Result<Self, DecodeError> {
        let Context { canvas, state, settings } = at;
        let p = prediction.numbers(Column::PChoice)?;
        let score = match settings.score {
            None => p,
            Some(_) => prediction.numbers(Column::Score)?,
        };
        let open: Vec<usize> = (0..canvas.len()).filter(|&at| canvas.is_open(at)).collect();
        let faulty = |at: &&usize| !p[**at].is_finite() || !score[**at].is_finite();
        if let Some(&at) = open.iter().find(faulty) {
            return Err(DecodeError::NotFinite(at));
        }
        let seed = settings.filtering.seed;
        let place = NoisePlace { seed, round: 0, step: state.step as u64 };
        let choice = prediction.ids(Column::Choice)?;
        Ok(Self { canvas, settings, choice, p, open, score, place })
    }

    /// The best `n` of `positions`, best first, and the others behind them.
    fn ranked(&self, positions: &[usize], n: usize) -> Vec<usize> {
        let slot = |at: usize| self.canvas.cells()[at].slot;
        let (mut rest, alg_temp) = (positions.to_vec(), self.settings.alg_temp);
        if alg_temp > 0.0 {
            // The greatest of scores with Gumbel noise are drawn by their softmax, without repetition.
            let noisy = |at: usize| {
                f64::from(self.score[at]) / alg_temp + self.place.gumbel(Purpose::Fill, slot(at))
            };
            rest.sort_by(|&a, &b| noisy(b).total_cmp(&noisy(a)));
            return rest;
        }
        let values: Vec<f32> = positions.iter().map(|&at| self.score[at]).collect();
        let best: Vec<usize> =
            top_k(&values, n).into_iter().map(|index| positions[index]).collect();
        rest.retain(|at| !best.contains(at));
        rest.sort_by(|&a, &b| self.score[b].total_cmp(&self.score[a]));
        [best, rest].concat()
    }

    /// What every open position becomes, where the canvas may grow by `room` and `budget` expansions are
    /// left.
    fn fates(&self, room: usize, budget: usize) -> BTreeMap<usize, Fate> {
        let quota = self.settings.quota;
        let free = room.min(budget);
        let asked = |at: &usize| self.canvas.cells()[*at].overridden.expand == Some(true);
        let mut fates = BTreeMap::new();
        let mut forced: Vec<usize> = self.open.iter().copied().filter(asked).collect();
        if free == 0 {
            forced.clear();
        }
        for (rank, &at) in forced.iter().enumerate() {
            let waits = Fate::Left(LeftRule::Waits { first: forced[0] });
            fates.insert(at, if rank < quota.min(free) { Fate::Forced } else { waits });
        }
        let taken = forced.len().min(quota).min(free);
        let others: Vec<usize> =
            self.open.iter().copied().filter(|at| !fates.contains_key(at)).collect();
        let ranked = self.ranked(&others, quota - taken);
        for (index, &at) in ranked.iter().enumerate() {
            let rank = taken + index + 1;
            let fate = match rank <= quota {
                true => self.predicted(at, FillRule::Quota { rank, quota }),
                false => Fate::Left(LeftRule::Quota { rank, quota }),
            };
            fates.insert(at, fate);
        }
        if self.settings.pads {
            self.pad(&mut fates);
        }
        let ends = fates.values().filter(|fate| matches!(fate, Fate::Ends(_))).count();
        // What the step deletes makes room.
        let deleted = if self.settings.deletes { ends } else { 0 };
        self.limit(&mut fates, &ranked, (room + deleted).min(budget));
        fates
    }

    /// What becomes of a position that is decided.
    fn predicted(&self, at: usize, rule: FillRule) -> Fate {
        let special = self.canvas.special();
        match self.choice[at] {
            // The reference writes the mask over the mask: it stays, and uses up its turn.
            token if token == special.mask => Fate::Left(LeftRule::PredictsMask),
            token if token == special.eos => Fate::Ends(rule),
            token if Some(token) == self.settings.expand() => Fate::Expands(rule),
            token => Fate::Written(token, rule),
        }
    }

    /// Lets every mask behind the first end of sequence count as one, whatever else was to become of it.
    fn pad(&self, fates: &mut BTreeMap<usize, Fate>) {
        let eos = self.canvas.special().eos;
        let cells = self.canvas.cells();
        let ends =
            |at: &usize| cells[*at].token == eos || matches!(fates.get(at), Some(Fate::Ends(_)));
        // As in the reference, where the prompt's count, too.
        let first = match self.canvas.prompt().contains(&eos) {
            true => None,
            false => match (0..cells.len()).find(ends) {
                Some(first) => Some(first),
                None => return,
            },
        };
        for (_, fate) in fates.range_mut(first.unwrap_or(0)..) {
            if !matches!(fate, Fate::Ends(_)) {
                *fate = Fate::Ends(FillRule::BehindEos { position: first });
            }
        }
    }

    /// Leaves the worst of the positions that would expand, where there is room for fewer.
    fn limit(&self, fates: &mut BTreeMap<usize, Fate>, ranked: &[usize], room: usize) {
        let forced = fates.values().filter(|fate| matches!(fate, Fate::Forced)).count();
        let expanding = ranked.iter().filter(|at| matches!(fates[at], Fate::Expands(_)));
        let beyond: Vec<usize> = expanding.skip(room.saturating_sub(forced)).copied().collect();
        for at in beyond {
            fates.insert(at, Fate::Left(LeftRule::NoRoom { length: self.canvas.len() }));
        }
    }
}

pub(super) fn decide(
    at: Context<DreamOn>,
    prediction: &Prediction,
) -> Result<DecisionOf<State>, DecodeError> {
    let Context { canvas, state, settings } = at;
    let evidence = InfillEvidence::of(at, prediction)?;
    let (length, eos) = (canvas.len(), canvas.special().eos);
    let room = settings.max_length.saturating_sub(canvas.generated());
    let fates = evidence.fates(room, settings.budget.saturating_sub(state.expanded));
    let mut verdicts = outside(canvas, evidence.p);
    let (mut edits, mut expanded, mut deleted, mut cut) = (Vec::new(), 0, 0, false);
    for (&at, &fate) in &fates {
        let (slot, p) = (canvas.cells()[at].slot, evidence.p[at]);
        let asked = canvas.cells()[at].overridden.expand == Some(true);
        verdicts[at] = match fate {
            Fate::Written(token, rule) => {
                edits.push(Edit::Fill { slot, token });
                Verdict::Fill { token, p, rule, threshold: None }
            }
            Fate::Ends(rule) => {
                // Behind another end it is not the best token there whose probability counts.
                let p = match rule {
                    FillRule::BehindEos { .. } => prediction.number(Column::PEos, at).unwrap_or(p),
                    _ => p,
                };
                match settings.deletes {
                    true => {
                        deleted += 1;
                        edits.push(Edit::Delete { slot });
                        Verdict::Delete { token: None, p, rule }
                    }
                    false => {
                        edits.push(Edit::Fill { slot, token: eos });
                        Verdict::Fill { token: eos, p, rule, threshold: None }
                    }
                }
            }
            Fate::Expands(rule) => {
                expanded += 1;
                edits.push(Edit::Expand { slot, n: MASKS });
                Verdict::ExpandToken { token: evidence.choice[at], p, n: MASKS, rule }
            }
            Fate::Forced => {
                expanded += 1;
                edits.push(Edit::Expand { slot, n: MASKS });
                Verdict::Forced { p, n: MASKS }
            }
            Fate::Left(LeftRule::Quota { .. }) if asked => {
                let rule = RefuseRule::AtMaximum { length };
                Verdict::Refused { p, threshold: 0.0, rule }
            }
            Fate::Left(rule) => {
                cut |= matches!(rule, LeftRule::NoRoom { .. });
                Verdict::Left { p, rule }
            }
        };
    }
    let idle = if edits.is_empty() { state.idle + 1 } else { 0 };
    let patience = if settings.draws() { IDLE } else { 1 };
    let after = length + expanded - deleted;
    Ok(DecisionOf {
        mode: Mode::Quota,
        edits,
        verdicts: verdicts.into(),
        dropped: Vec::new(),
        eos: None,
        growth: match after == length {
            _ if cut => Growth::AtMaximum(settings.max_length),
            true => Growth::Stays,
            false => Growth::To(after),
        },
        next: State {
            step: state.step + 1,
            expanded: state.expanded + expanded,
            idle,
            over: (idle >= patience).then_some(Over::Stagnant),
        },
    })
}
