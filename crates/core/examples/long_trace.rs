//! Writes a long synthetic recording, for measuring what one takes to open.
//!
//!     cargo run --release --example long_trace -- OUT [STEPS] [POSITIONS] [CANDIDATES]
//!
//! Without CANDIDATES another program decided: every step has a prediction of every position, fills
//! one position or masks it again, and gives no reason. With it demask's strategy `low_confidence`
//! did, in as many runs as the steps need, and each masked position has so many candidates.

use std::{
    env,
    error::Error,
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    sync::Arc,
    time::Duration,
};

use demask_core::{
    canvas::{SpecialTokens, TokenId},
    decode::{Extras, Recipe},
    predict::{Column, ColumnSet, Data, ModelFacts, Piece, Prediction, Request, Vocabulary},
    session::{Pending, Session},
    trace::{Header, TraceRecorder},
};
use xxhash_rust::xxh3::xxh3_64;

/// Tokens of the vocabulary, beside the special ones.
const WORDS: u64 = 1000;

const SPECIAL: SpecialTokens = SpecialTokens { mask: 9_999, eos: 9_998 };

/// A generator of random numbers (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn token(&mut self) -> TokenId {
        (self.next() % WORDS) as TokenId
    }

    /// 0..1, most of it near 1: what confidences look like.
    fn p(&mut self) -> f32 {
        let p = (self.next() >> 40) as f32 / (1_u64 << 24) as f32;
        1.0 - p * p * p * p
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let out = arguments.next().unwrap_or_else(|| "long.jsonl".to_owned());
    let mut number = || arguments.next().map(|text| text.parse::<usize>()).transpose();
    let (steps, positions) = (number()?.unwrap_or(10_000), number()?.unwrap_or(2_048));
    match number()? {
        None => of_another_program(Path::new(&out), steps, positions),
        Some(candidates) => of_a_session(Path::new(&out), steps, positions, candidates),
    }
}

fn of_another_program(out: &Path, steps: usize, positions: usize) -> Result<(), Box<dyn Error>> {
    let file = File::create(out)?;
    let mut file: Box<dyn Write> = match out.extension().is_some_and(|end| end == "zst") {
        true => Box::new(zstd::Encoder::new(file, 3)?.auto_finish()),
        false => Box::new(BufWriter::with_capacity(1 << 20, file)),
    };
    let mut put = |object: String| {
        let body = object.strip_suffix('}').unwrap_or(&object);
        writeln!(file, r#"{body},"sum":"{:016x}"}}"#, xxh3_64(body.as_bytes()))
    };
    let mut random = Random(88_172_645_463_325_252);
    let mask = SPECIAL.mask;
    put(format!(
        r#"{{"kind":"header","format":"demask","version":[1,4],"generator":"long_trace","strategy":"synthetic","model":{{"name":"synthetic","mask":{mask},"eos":0}}}}"#
    ))?;
    let texts: Vec<String> = (0..WORDS).map(|id| format!(r#""{id}":" word{id}""#)).collect();
    put(format!(r#"{{"kind":"tokens","tokens":{{{}}}}}"#, texts.join(",")))?;
    put(format!(r#"{{"kind":"root","id":0,"prompt":[1,2,3],"length":{positions}}}"#))?;
    let mut filled = vec![false; positions];
    for step in 1..=steps {
        let argmax: Vec<String> = (0..positions).map(|_| random.token().to_string()).collect();
        let numbers = |random: &mut Random| -> String {
            let numbers: Vec<String> = (0..positions).map(|_| random.p().to_string()).collect();
            numbers.join(",")
        };
        let (p, eos) = (numbers(&mut random), numbers(&mut random));
        put(format!(
            r#"{{"kind":"prediction","key":"{step:x}","rows":{positions},"columns":{{"argmax":[{}],"p_choice":[{p}],"p_eos":[{eos}]}}}}"#,
            argmax.join(",")
        ))?;
        let at = (random.next() as usize) % positions;
        let edit = match filled[at] {
            true => format!(r#"{{"remask":{at}}}"#),
            false => format!(r#"{{"fill":[{at},{}]}}"#, argmax[at]),
        };
        filled[at] = !filled[at];
        put(format!(
            r#"{{"kind":"step","id":{step},"parent":{},"prediction":"{step:x}","decision":{{"mode":"recorded","edits":[{edit}]}}}}"#,
            step - 1
        ))?;
    }
    file.flush()?;
    Ok(())
}

/// A vocabulary of a thousand words.
struct Words;

impl Vocabulary for Words {
    fn piece(&self, id: TokenId) -> Option<Piece> {
        match id {
            9_999 => Some(Piece::Control("<mask>".to_owned())),
            9_998 => Some(Piece::Control("<eos>".to_owned())),
            id => Some(Piece::Text(format!(" word{id}"))),
        }
    }

    fn ids(&self) -> Vec<TokenId> {
        (0..WORDS as TokenId).collect()
    }
}

fn of_a_session(
    out: &Path,
    steps: usize,
    positions: usize,
    candidates: usize,
) -> Result<(), Box<dyn Error>> {
    let recipe =
        format!("low_confidence:gen_length={positions},block_length={positions},steps={positions}");
    let recipe = Recipe::parse(&recipe)?;
    let extras = Extras { columns: ColumnSet::display(), top_k: candidates, ..Extras::NONE };
    let facts = ModelFacts {
        name: "synthetic".to_owned(),
        family: "none".to_owned(),
        device: "cpu".to_owned(),
        dtype: "f32".to_owned(),
        attention: String::new(),
        vocabulary: 10_000,
        context: 4096,
        layers: 0,
        special: SPECIAL,
        reading: Default::default(),
    };
    let header = Header::new(&facts, recipe.strategy.name(), "synthetic", extras);
    let recorder = TraceRecorder::create(out, &header, Arc::new(Words))?;
    let params = recipe.params(&[])?;
    let recorder = Some(Box::new(recorder) as _);
    let mut session = Session::new(recipe.strategy, &[1], SPECIAL, params, extras, recorder)?;
    let mut random = Random(88_172_645_463_325_252);
    let mut made = 0;
    while made < steps {
        match session.pending().clone() {
            Pending::Wanted { key, request } => {
                let prediction = prediction(&mut random, &request, positions);
                session.supply(key, prediction, Duration::from_millis(1));
            }
            Pending::Decided { .. } => {
                session.step()?;
                made += 1;
                // The recorder writes slower than this steps: what waits would fill the memory.
                if made % 16 == 0 {
                    std::thread::sleep(Duration::from_millis(positions as u64 / 20));
                }
            }
            Pending::Done(_) => session.restart(Some(&[1 + made as TokenId % 1000]))?,
            Pending::Failed(error) => return Err(error.into()),
        }
    }
    Ok(session.finish_recording()?)
}

/// What a model might say.
fn prediction(random: &mut Random, request: &Request, rows: usize) -> Prediction {
    let argmax: Vec<TokenId> = (0..rows).map(|_| random.token()).collect();
    let p: Vec<f32> = (0..rows).map(|_| random.p()).collect();
    request.columns.iter().fold(Prediction::new(rows), |prediction, column| {
        let data = match column {
            Column::Argmax | Column::Choice | Column::BestUnmask => Data::Ids(argmax.clone()),
            Column::PArgmax | Column::PChoice | Column::PBestUnmask => Data::Numbers(p.clone()),
            Column::TopK => {
                let rival = |row: usize, k: usize| {
                    ((argmax[row] + k as TokenId) % WORDS as TokenId, p[row] / (k + 1) as f32)
                };
                let row = |row| (0..request.top_k).map(move |k| rival(row, k));
                Data::Ranked((0..rows).map(row).collect())
            }
            _ => Data::Numbers((0..rows).map(|_| random.p()).collect()),
        };
        prediction.with(column, data)
    })
}
