//! The vocabulary the tasks draw from.

/// Names with their pronoun.
pub const NAMES: [(&str, &str); 16] = [
    ("Mia", "she"),
    ("Ben", "he"),
    ("Ana", "she"),
    ("Tom", "he"),
    ("Zoe", "she"),
    ("Max", "he"),
    ("Eva", "she"),
    ("Sam", "he"),
    ("Ida", "she"),
    ("Leo", "he"),
    ("Amy", "she"),
    ("Jim", "he"),
    ("Lea", "she"),
    ("Dan", "he"),
    ("Kim", "she"),
    ("Rob", "he"),
];

/// Countable things, plural, for the word problems.
pub const THINGS: [&str; 16] = [
    "stamps", "coins", "books", "apples", "shells", "cards", "pens", "stones", "eggs", "cups",
    "keys", "toys", "nuts", "beads", "plums", "hats",
];

/// Verbs by which somebody has more of something.
pub const GAINS: [&str; 4] = ["buys", "finds", "gets", "wins"];

/// Verbs that take away.
pub const LOSSES: [&str; 4] = ["loses", "sells", "drops", "lends"];

/// Days in order, Monday first.
pub const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// The first ten months in order.
pub const MONTHS: [&str; 10] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
];

/// Animals, in the singular.
pub const ANIMALS: [&str; 24] = [
    "owl", "fox", "cat", "dog", "hen", "cow", "pig", "bee", "ant", "bat", "frog", "goat", "bear",
    "wolf", "deer", "duck", "crow", "mouse", "sheep", "horse", "snail", "robin", "hare", "mole",
];

/// Objects, in the singular.
pub const OBJECTS: [&str; 24] = [
    "drum", "lamp", "bell", "kite", "boat", "ball", "box", "ring", "flute", "map", "coat", "cake",
    "rope", "clock", "spoon", "stone", "letter", "mirror", "basket", "candle", "feather", "ladder",
    "wheel", "key",
];

/// Places that take "the".
pub const PLACES: [&str; 24] = [
    "river", "hill", "barn", "lake", "forest", "bridge", "garden", "mill", "tower", "beach",
    "cave", "road", "field", "well", "market", "island", "church", "pond", "meadow", "harbor",
    "castle", "school", "wood", "town",
];

/// Adjectives for animals, objects and places, all beginning with a consonant.
pub const ADJECTIVES: [&str; 24] = [
    "small", "red", "green", "blue", "happy", "sad", "brave", "shy", "big", "little", "quiet",
    "loud", "clever", "silver", "golden", "tired", "hungry", "kind", "strange", "white", "black",
    "young", "gentle", "proud",
];

/// Feelings that somebody can have.
pub const FEELINGS: [&str; 12] = [
    "glad", "calm", "warm", "lonely", "curious", "afraid", "merry", "sleepy", "bold", "angry",
    "lucky", "safe",
];

/// Things one does alone or together, in the past.
pub const DEEDS: [&str; 16] = [
    "sang",
    "danced",
    "slept",
    "walked",
    "laughed",
    "played",
    "waited",
    "talked",
    "cooked",
    "ran",
    "rested",
    "worked",
    "jumped",
    "prayed",
    "whispered",
    "swam",
];

/// How it was done.
pub const MANNERS: [&str; 12] = [
    "slowly", "softly", "gladly", "bravely", "quickly", "loudly", "kindly", "sadly", "quietly",
    "proudly", "gently", "often",
];

/// Times that open a sentence.
pub const TIMES: [&str; 12] = [
    "morning", "evening", "night", "day", "summer", "winter", "spring", "autumn", "noon", "week",
    "year", "hour",
];
