// Rust as released: no frame pointers; panics caught, sorting with closures, formatting, hashing.

use std::collections::HashMap;
use std::panic;

// CPU time in microseconds, from the C library that std links anyway.
extern "C" {
    fn clock() -> i64;
}

struct Bomb(u64);

impl Drop for Bomb {
    #[inline(never)]
    fn drop(&mut self) {
        for _ in 0..50 {
            self.0 = std::hint::black_box(self.0.wrapping_mul(75).wrapping_add(74));
        }
    }
}

#[inline(never)]
fn dive(seed: u64, depth: u32) -> u64 {
    let bomb = Bomb(seed);
    if depth == 0 {
        if seed % 2 == 0 {
            panic::resume_unwind(Box::new(seed));
        }
        return bomb.0;
    }
    dive(seed.wrapping_mul(3), depth - 1).wrapping_add(bomb.0)
}

#[inline(never)]
fn sort_and_count(values: &mut [u64]) -> usize {
    values.sort_by(|left, right| (left % 1000).cmp(&(right % 1000)).then(left.cmp(right)));
    let mut counts: HashMap<u64, usize> = HashMap::new();
    for value in values.iter() {
        *counts.entry(value % 97).or_default() += 1;
    }
    counts.values().copied().max().unwrap_or(0)
}

fn main() {
    let millis = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(700i64);
    let mut values = vec![0u64; 400];
    let mut sink = 1u64;
    while unsafe { clock() } < millis * 1000 {
        for depth in 0..20 {
            match panic::catch_unwind(|| dive(sink, depth)) {
                Ok(value) => sink = sink.wrapping_add(value | 1),
                Err(_) => sink = sink.wrapping_add(3),
            }
        }
        for value in values.iter_mut() {
            sink = sink.wrapping_mul(6364136223846793005).wrapping_add(1442695041);
            *value = sink;
        }
        sink = sink.wrapping_add(sort_and_count(&mut values) as u64);
        sink = sink.wrapping_add(format!("{sink:x} {:?}", &values[..4]).len() as u64);
    }
    std::process::exit(i32::from(sink == 42));
}
