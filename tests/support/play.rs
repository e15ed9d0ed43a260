//! Runs of any parameters over the fake predictor.

use std::{ops::ControlFlow, time::Duration};

use demask::{
    canvas::TokenId,
    decode::{AnyStrategy as _, Extras, Params, Value, daedal::Daedal},
    predict::Predictor,
    session::{Pending, Session},
};
use proptest::prelude::Strategy;

use super::fake::{Fake, SPECIAL};

/// Parameters of every kind, for canvases of up to 60 positions.
pub fn params() -> impl Strategy<Value = Params> {
    (
        (0..40i64, 1..60i64, 1..20i64, 0..9i64, 1..12i64),
        (0.0..1.2f64, 0.0..1.2f64, 0.0..1.0f64, 0.0..1.2f64),
    )
        .prop_map(|((initial, max, block, factor, window), (high, low, eos, expand))| {
            let mut params = Params::defaults(Daedal.params());
            for (name, value) in [
                ("initial_gen_length", Value::Int(initial)),
                ("max_gen_length", Value::Int(max)),
                ("block_length", Value::Int(block)),
                ("expansion_factor", Value::Int(factor)),
                ("eos_check_tokens", Value::Int(window)),
                ("high_conf_threshold", Value::Float(high)),
                ("low_conf_threshold", Value::Float(low)),
                ("eos_confidence_threshold", Value::Float(eos)),
                ("expand_eos_confidence_threshold", Value::Float(expand)),
            ] {
                params.set(name, value).unwrap();
            }
            params
        })
}

/// A session over the fake predictor.
pub fn session(params: Params, prompt: &[TokenId]) -> Session {
    let extras = Extras::NONE;
    Session::new(&Daedal, prompt, SPECIAL, params, extras, None).unwrap()
}

/// Supplies what is wanted; false if the run is over.
pub fn ready(session: &mut Session) -> bool {
    if let Pending::Wanted { key, request } = session.pending().clone() {
        let prediction = Fake.predict(&request, &mut |_| ControlFlow::Continue(())).unwrap();
        session.supply(key, prediction, Duration::ZERO);
    }
    matches!(session.pending(), Pending::Decided { .. })
}
