//! Schedules: how many positions a step fills when that is fixed beforehand.
//!
//! Each is the published function to the last rounding: a detour through f32 changes whole tables.

/// LLaDA's `get_num_transfer_tokens`: `masks` spread over `steps`, the remainder first.
pub(super) fn even(masks: usize, steps: usize) -> Vec<usize> {
    (0..steps).map(|step| masks / steps + usize::from(step < masks % steps)).collect()
}

/// dLLM's `get_num_transfer_tokens` under its linear schedule: steps that would fill nothing are
/// left out, so there may be fewer than `steps`.
pub(super) fn linear(masks: usize, steps: usize) -> Vec<usize> {
    let n = steps as f64;
    let mut left = masks;
    let mut table = Vec::new();
    for step in 0..steps {
        if left == 0 {
            break;
        }
        let at = |step: usize| ((n - step as f64) / n) as f32;
        let (t, s) = (at(step), at(step + 1));
        let (a, b) = (1.0 - (1.0 - s), 1.0 - (1.0 - t));
        let share = f64::from(a / b);
        let quota = (left as f64 * (1.0 - share)).round_ties_even() as usize;
        let quota = quota.min(left);
        if quota > 0 {
            table.push(quota);
            left -= quota;
        }
    }
    table
}

/// Dream's quota of step `step` of `steps` (from 0): the masks left times the share of time that
/// passes from 1 to `eps`; the last step takes all.
pub(super) fn dream(masks: usize, step: usize, steps: usize, eps: f64) -> usize {
    if step + 1 >= steps {
        return masks;
    }
    let share = dream_share(step, steps, eps);
    (masks as f32 * share) as usize
}

/// 1 − s / t of a step of Dream's schedule.
pub(super) fn dream_share(step: usize, steps: usize, eps: f64) -> f32 {
    1.0 - time(step + 1, steps, eps) / time(step, steps, eps)
}

/// `torch.linspace(1, eps, steps + 1)[at]` in f32: from both ends towards the middle.
pub(super) fn time(at: usize, steps: usize, eps: f64) -> f32 {
    let (start, end) = (1.0_f32, eps as f32);
    let width = (end - start) / steps as f32;
    if at < steps.div_ceil(2) {
        start + width * at as f32
    } else {
        end - width * (steps - at) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Case {
        masks: usize,
        steps: usize,
        #[serde(default)]
        eps: f64,
        quota: Vec<usize>,
    }

    #[test]
    fn schedules_are_the_published_ones() {
        let text = include_str!("../../../../tests/golden/schedules.json");
        let tables: std::collections::BTreeMap<String, Vec<Case>> =
            serde_json::from_str(text).unwrap();
        for (name, cases) in &tables {
            assert!(cases.len() >= 195, "{name}");
            for case in cases {
                let ours = match name.as_str() {
                    "llada" => even(case.masks, case.steps),
                    "mdlm_linear" => linear(case.masks, case.steps),
                    _ => {
                        let mut left = case.masks;
                        let quota = (0..case.steps).map(|step| {
                            let quota = dream(left, step, case.steps, case.eps);
                            left -= quota;
                            quota
                        });
                        quota.collect()
                    }
                };
                assert_eq!(ours, case.quota, "{name}: {} masks, {} steps", case.masks, case.steps);
            }
        }
    }

    #[test]
    fn schedules_spread_all_masks() {
        assert_eq!(even(10, 4), [3, 3, 2, 2]);
        assert_eq!(even(2, 4), [1, 1, 0, 0]);
        for (masks, steps) in [(1, 1), (7, 3), (32, 32), (64, 5), (5, 64), (0, 4)] {
            assert_eq!(even(masks, steps).iter().sum::<usize>(), masks);
            assert_eq!(linear(masks, steps).iter().sum::<usize>(), masks);
            let mut left = masks;
            for step in 0..steps {
                left -= dream(left, step, steps, 1e-3);
            }
            assert_eq!(left, 0);
        }
    }
}
