// Traits, generics, closures and recursion in Rust; only code of this crate is judged, because the
// precompiled standard library is built without frame pointers.

// CPU time in microseconds, from the C library that std links anyway.
extern "C" {
    fn clock() -> i64;
}

trait Shape {
    fn area(&self, depth: u32) -> f64;
}

struct Square(f64);
struct Circle(f64);

impl Shape for Square {
    #[inline(never)]
    fn area(&self, depth: u32) -> f64 {
        if depth == 0 {
            return self.0 * self.0;
        }
        let mut sum = self.0;
        for i in 1..20 {
            sum += sum / f64::from(i + depth);
        }
        sum.sqrt() + self.area(depth - 1)
    }
}

impl Shape for Circle {
    #[inline(never)]
    fn area(&self, depth: u32) -> f64 {
        let mut sum = self.0;
        for i in 1..20 {
            sum += sum / f64::from(i + depth);
        }
        if depth == 0 { sum } else { sum.sqrt() + self.area(depth - 1) }
    }
}

#[inline(never)]
fn mix<F: Fn(u64) -> u64>(seed: u64, rounds: u32, step: F) -> u64 {
    let mut value = seed;
    for _ in 0..rounds {
        value = step(value).rotate_left(7) ^ (value >> 3);
    }
    value
}

#[inline(never)]
fn fibonacci(n: u32) -> u64 {
    let mut value = u64::from(n);
    for _ in 0..40 {
        value = (value ^ (value >> 5)).wrapping_mul(0x2545_f491_4f6c_dd1d);
    }
    if n < 2 { value } else { value ^ fibonacci(n - 1) ^ fibonacci(n - 2) }
}

#[inline(never)]
fn checked_sum(values: &[u64]) -> Option<u64> {
    let mut total: u64 = 0;
    for value in values {
        total = total.checked_add(value & 0xffff)?;
    }
    Some(total)
}

fn main() {
    let millis = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(700i64);
    let shapes: Vec<Box<dyn Shape>> = vec![Box::new(Square(1.5)), Box::new(Circle(2.5))];
    let mut values = vec![0u64; 512];
    let mut sink = 1u64;
    while unsafe { clock() } < millis * 1000 {
        for shape in &shapes {
            for _ in 0..20 {
                sink = sink.wrapping_add(shape.area(30) as u64);
            }
        }
        let salt = sink;
        sink = mix(sink, 4000, |value| value.wrapping_mul(salt | 1).wrapping_add(13));
        sink = mix(sink, 4000, |value| value ^ (value << 13) ^ (value >> 7));
        sink = sink.wrapping_add(fibonacci(12));
        for value in values.iter_mut() {
            sink = sink.wrapping_mul(6364136223846793005).wrapping_add(1442695041);
            *value = sink;
        }
        for _ in 0..20 {
            sink = sink.wrapping_add(checked_sum(&values).unwrap_or(0));
        }
    }
    std::process::exit(i32::from(sink == 42));
}
