//! Known predictions by their keys: each is at hand, or kept elsewhere and read when it is looked at.

use std::{collections::HashMap, fmt, sync::Arc};

use super::{Key, Prediction};

/// A prediction that is kept elsewhere, as in a file: thousands of them need more memory than there
/// may be.
pub trait KeptPrediction: Send + Sync {
    /// Reads it; `None` if that fails, since what kept it is gone or has changed.
    fn read(&self) -> Option<Arc<Prediction>>;
}

/// A prediction that is known.
#[derive(Clone)]
pub enum KnownPrediction {
    /// It is in memory.
    AtHand(Arc<Prediction>),
    /// It is read whenever it is looked at.
    Kept(Arc<dyn KeptPrediction>),
}

impl KnownPrediction {
    /// The prediction; `None` if it was kept elsewhere and cannot be read.
    pub fn get(&self) -> Option<Arc<Prediction>> {
        match self {
            Self::AtHand(prediction) => Some(prediction.clone()),
            Self::Kept(kept) => kept.read(),
        }
    }
}

impl From<Arc<Prediction>> for KnownPrediction {
    fn from(prediction: Arc<Prediction>) -> Self {
        Self::AtHand(prediction)
    }
}

impl fmt::Debug for KnownPrediction {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::AtHand(prediction) => prediction.fmt(f),
            Self::Kept(_) => f.write_str("Kept"),
        }
    }
}

/// The predictions that are known, by their keys.
#[derive(Debug, Clone, Default)]
pub struct KnownPredictions(HashMap<Key, KnownPrediction>);

impl KnownPredictions {
    /// The prediction of this key, if it is known.
    pub fn get(&self, key: Key) -> Option<Arc<Prediction>> {
        self.0.get(&key)?.get()
    }

    /// The prediction of this key, if it is in memory.
    pub fn at_hand(&self, key: Key) -> Option<&Arc<Prediction>> {
        match self.0.get(&key)? {
            KnownPrediction::AtHand(prediction) => Some(prediction),
            KnownPrediction::Kept(_) => None,
        }
    }

    /// True if the prediction of this key is known, wherever it is.
    pub fn contains(&self, key: Key) -> bool {
        self.0.contains_key(&key)
    }

    /// Adds or replaces a prediction; true if none of this key was known.
    pub fn insert(&mut self, key: Key, prediction: impl Into<KnownPrediction>) -> bool {
        self.0.insert(key, prediction.into()).is_none()
    }

    /// Number of predictions.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if none is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every prediction that can be read, in no order. Those that are kept elsewhere are read one by one.
    pub fn iter(&self) -> impl Iterator<Item = (Key, Arc<Prediction>)> {
        self.0.iter().filter_map(|(key, known)| Some((*key, known.get()?)))
    }
}

impl From<HashMap<Key, Arc<Prediction>>> for KnownPredictions {
    fn from(known: HashMap<Key, Arc<Prediction>>) -> Self {
        Self(known.into_iter().map(|(key, prediction)| (key, prediction.into())).collect())
    }
}
