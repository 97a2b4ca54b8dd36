// Load for the corpus of the benchmark: optimised Rust.
//     workload_rs [SECONDS]
use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;
use std::time::{Duration, Instant};

fn words(seed: u64) -> Vec<String> {
    (0..3000u64).map(|i| format!("word {}", (i * 7919 + seed) % 10007)).collect()
}

#[inline(never)]
fn count(words: &[String]) -> usize {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    words.iter().for_each(|word| *counts.entry(word).or_default() += 1);
    counts.values().filter(|count| **count > 1).count()
}

#[inline(never)]
fn index(words: &[String]) -> usize {
    let mut tree: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, word) in words.iter().enumerate() {
        tree.entry(word.to_uppercase()).or_default().push(place);
    }
    tree.into_iter().map(|(word, places)| word.len() * places.len()).sum()
}

#[inline(never)]
fn descend(depth: u32, words: &mut Vec<String>) -> usize {
    if depth > 0 {
        return descend(depth - 1, words) + black_box(depth as usize);
    }
    words.sort_by(|a, b| b.cmp(a));
    count(words) + index(words)
}

fn main() {
    let seconds = std::env::args().nth(1).map_or(2, |text| text.parse().unwrap());
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut sum = 0;
    let mut round = 0u64;
    while Instant::now() < end {
        sum += descend((round % 40) as u32, &mut words(round));
        round += 1;
    }
    println!("{sum}");
}
