// Load for the corpus of the benchmark: JavaScript with closures, JSON, sorting and recursion.
//     node workload.js [SECONDS]
'use strict';

function fibonacci(n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

function sortWords(seed) {
  const words = [];
  for (let i = 0; i < 2000; ++i) words.push(`word ${(seed * (i + 7919)) % 10007}`);
  return words.sort((a, b) => b.localeCompare(a))[0];
}

class Node {
  constructor(depth) {
    this.value = depth;
    this.children = depth > 0 ? [new Node(depth - 1), new Node(depth - 1)] : [];
  }
  sum() {
    return this.children.reduce((total, child) => total + child.sum(), this.value);
  }
}

const tasks = [
  (seed) => fibonacci(18 + (seed % 3)),
  sortWords,
  () => new Node(10).sum(),
  (seed) => JSON.parse(JSON.stringify(Array(3000).fill({ seed, text: 'x'.repeat(seed % 50) }))),
  (seed) => `item-${seed}xyxy`.repeat(200).match(/([a-z]+)-([0-9]+)(x|y)*/g).length,
];

const end = Date.now() + Number(process.argv[2] || 2) * 1000;
for (let seed = 0; Date.now() < end; ++seed) tasks[seed % tasks.length](seed);
