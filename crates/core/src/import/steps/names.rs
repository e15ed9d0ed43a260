//! The names under which loops write a run.

/// Names that a list of steps may have.
pub const LISTS: [&str; 13] = [
    "steps",
    "histories",
    "history",
    "frames",
    "trajectory",
    "trace",
    "canvases",
    "states",
    "snapshots",
    "intermediates",
    "iterations",
    "records",
    "sequence_history",
];

/// Names that a step's canvas may have, ids before texts.
pub const CANVAS: [&str; 21] = [
    "canvas_ids",
    "canvas",
    "token_ids",
    "input_ids",
    "ids",
    "xt",
    "x_t",
    "x",
    "sequence",
    "sequences",
    "seq",
    "state",
    "output_ids",
    "output",
    "generated_ids",
    "tokens",
    "token_strs",
    "words",
    "text",
    "decoded",
    "decoded_step_text",
];

/// Names that the texts of a step's ids may have, beside them.
pub const TEXTS: [&str; 4] = ["tokens", "token_strs", "words", "texts"];

pub const CONFIDENCE: [&str; 9] = [
    "confidences",
    "confidence",
    "conf",
    "confs",
    "probs",
    "token_confidence",
    "token_confidences",
    "x0_p",
    "p",
];
pub const GUESS: [&str; 6] =
    ["argmax", "x0", "predictions", "predicted_ids", "pred_ids", "guesses"];
pub const ENTROPY: [&str; 2] = ["entropies", "entropy"];
pub const NUMBER: [&str; 3] = ["step", "step_idx", "i"];
pub const MASKS: [&str; 4] = ["mask_id", "mask_token_id", "mask_token", "mask"];
pub const EOS: [&str; 4] = ["eos_id", "eos_token_id", "eos_token", "eos"];
pub const PROMPT: [&str; 2] = ["prompt", "prompt_text"];
pub const PROMPT_LENGTH: [&str; 4] =
    ["prompt_length", "prompt_len", "prompt_token_len", "prompt_tokens"];
pub const PROMPT_IDS: [&str; 2] = ["prompt_ids", "prompt_token_ids"];
pub const MODEL: [&str; 4] = ["model", "model_id", "model_name", "model_repo_id"];
pub const STRATEGY: [&str; 5] = ["strategy", "algorithm", "alg", "sampler", "scheduler_name"];
pub const KIND: [&str; 2] = ["record_type", "type"];

/// All names of facts beside the steps.
pub const FACTS: [&[&str]; 8] =
    [&MASKS, &EOS, &PROMPT, &PROMPT_LENGTH, &PROMPT_IDS, &MODEL, &STRATEGY, &["schema"]];

/// Texts of the mask token, for files without token ids.
pub const MASK_TEXTS: [&str; 8] =
    ["[MASK]", "<mask>", "<|mask|>", "<|mdm_mask|>", "<|MASK|>", "<MASK>", "[M]", "▒"];

/// The format of run logs that is read.
pub const RUN_LOG: &str = "dg-runlog/1";
