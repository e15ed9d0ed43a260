//! A predictor without a model: probabilities from a hash of the request, so that any canvas
//! gives some prediction, the same one each time.

use demask::{
    canvas::{SpecialTokens, TokenId},
    predict::{
        Column, Data, Key, Piece, PredictError, Prediction, Predictor, Request, Score, Vocabulary,
        Watch,
    },
};

/// Tokens 0..=11; 10 is EOS, 11 the mask.
pub const SPECIAL: SpecialTokens = SpecialTokens { mask: 11, eos: 10 };

/// The predictor that the module describes.
pub struct Fake;

fn mix(key: Key, row: usize, salt: u64) -> u64 {
    let mut x = (key.0 as u64) ^ (row as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ salt;
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

fn unit(bits: u64) -> f32 {
    (bits >> 40) as f32 / (1u64 << 24) as f32
}

impl Predictor for Fake {
    fn predict(&mut self, request: &Request, _: &mut Watch) -> Result<Prediction, PredictError> {
        let key = request.key();
        let rows = request.rows.len();
        let ids = |salt: u64| -> Vec<TokenId> {
            (0..rows).map(|row| (mix(key, row, salt) % 12) as TokenId).collect()
        };
        let numbers = |salt: u64| -> Vec<f32> {
            // Cubed, so that both ends of the range occur.
            (0..rows)
                .map(|row| {
                    let x = unit(mix(key, row, salt)) * 2.0 - 1.0;
                    (x * x * x + 1.0) / 2.0
                })
                .collect()
        };
        let (argmax, p) = (ids(1), numbers(2));
        let mut unmask = ids(3);
        unmask.iter_mut().for_each(|id| *id %= SPECIAL.mask);
        let mut prediction = Prediction::new(rows);
        for column in request.columns.iter() {
            let data = match column {
                Column::Argmax | Column::Choice => Data::Ids(argmax.clone()),
                Column::BestUnmask => Data::Ids(unmask.clone()),
                Column::TopK => Data::Ranked(
                    (0..rows)
                        .map(|row| vec![(argmax[row], p[row]), (unmask[row], p[row] / 2.0)])
                        .collect(),
                ),
                Column::Alternatives => {
                    let count = request.alternatives.unwrap_or(0).min(12);
                    let row = |row: usize| {
                        let mut others: Vec<TokenId> =
                            (0..12).filter(|id| *id != argmax[row]).collect();
                        others.sort_by_key(|&id| mix(key, row, 200 + u64::from(id)));
                        let all = std::iter::once(argmax[row]).chain(others).take(count);
                        let fallen =
                            |(place, id): (usize, TokenId)| (id, p[row] / (1 << place) as f32);
                        all.enumerate().map(fallen).collect::<Vec<_>>()
                    };
                    Data::Ranked((0..rows).map(row).collect())
                }
                // A gap is never negative, an entropy's negative never positive.
                Column::Score if request.score == Some(Score::Gap) => Data::Numbers(numbers(107)),
                Column::Score => Data::Numbers(numbers(107).iter().map(|x| -x).collect()),
                Column::PArgmax | Column::PChoice => Data::Numbers(p.clone()),
                other => Data::Numbers(numbers(100 + other as u64)),
            };
            prediction = prediction.with(column, data);
        }
        Ok(prediction)
    }
}

/// Texts for the twelve tokens; 9 has none.
pub struct FakeTexts;

impl Vocabulary for FakeTexts {
    fn piece(&self, id: TokenId) -> Option<Piece> {
        match id {
            9 => None,
            8 => Some(Piece::Bytes(vec![0xE5])),
            10 => Some(Piece::Control("<eos>".to_owned())),
            11 => Some(Piece::Control("<mask>".to_owned())),
            id => Some(Piece::Text(format!(" w{id}"))),
        }
    }

    fn ids(&self) -> Vec<TokenId> {
        (0..12).filter(|&id| id != 9).collect()
    }
}
