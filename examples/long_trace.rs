//! Writes a long synthetic recording, for measuring what one takes to open: every step has a
//! prediction of every position, fills one position and masks another again.
//!
//!     cargo run --release --example long_trace -- OUT [STEPS] [POSITIONS]

use std::{env, fs::File, io::Write, path::Path};

/// A generator of random numbers (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// 0..1, most of it near 1: what confidences look like.
    fn p(&mut self) -> f32 {
        let p = (self.next() >> 40) as f32 / (1_u64 << 24) as f32;
        1.0 - p * p * p * p
    }
}

const MASK: u32 = 9_999;

fn main() -> std::io::Result<()> {
    let mut arguments = env::args().skip(1);
    let out = arguments.next().unwrap_or_else(|| "long.jsonl".to_owned());
    let mut number =
        |default: usize| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (steps, positions) = (number(10_000), number(2_048));
    let file = File::create(&out)?;
    let mut file: Box<dyn Write> = match Path::new(&out).extension().is_some_and(|end| end == "zst")
    {
        true => Box::new(zstd::Encoder::new(file, 3)?.auto_finish()),
        false => Box::new(std::io::BufWriter::with_capacity(1 << 20, file)),
    };
    let mut random = Random(88_172_645_463_325_252);
    writeln!(
        file,
        r#"{{"kind":"header","format":"demask","version":[1,4],"generator":"long_trace","strategy":"synthetic","model":{{"name":"synthetic","mask":{MASK},"eos":0}}}}"#
    )?;
    let texts: Vec<String> = (0..1000).map(|id| format!(r#""{id}":" word{id}""#)).collect();
    writeln!(file, r#"{{"kind":"tokens","tokens":{{{}}}}}"#, texts.join(","))?;
    writeln!(file, r#"{{"kind":"root","id":0,"prompt":[1,2,3],"length":{positions}}}"#)?;
    let mut filled = vec![false; positions];
    for step in 1..=steps {
        let argmax: Vec<String> =
            (0..positions).map(|_| (random.next() % 1000).to_string()).collect();
        let numbers = |random: &mut Random| -> String {
            let numbers: Vec<String> = (0..positions).map(|_| random.p().to_string()).collect();
            numbers.join(",")
        };
        let (p, eos) = (numbers(&mut random), numbers(&mut random));
        writeln!(
            file,
            r#"{{"kind":"prediction","key":"{step:x}","rows":{positions},"columns":{{"argmax":[{}],"p_choice":[{p}],"p_eos":[{eos}]}}}}"#,
            argmax.join(",")
        )?;
        let at = (random.next() as usize) % positions;
        let edit = match filled[at] {
            true => format!(r#"{{"remask":{at}}}"#),
            false => format!(r#"{{"fill":[{at},{}]}}"#, argmax[at]),
        };
        filled[at] = !filled[at];
        writeln!(
            file,
            r#"{{"kind":"step","id":{step},"parent":{},"prediction":"{step:x}","decision":{{"mode":"recorded","edits":[{edit}]}}}}"#,
            step - 1
        )?;
    }
    file.flush()
}
