// column_sum.include — the sums of 8 columns over a workgroup's 32 lanes of rows, in the invocations of the first lane
// Method:   a tree in workgroup memory of fixed order; every invocation calls it, with an alias Sum of its own
// Source:   Harris 2007, Optimizing Parallel Reduction in CUDA, kernel 3
// Checked:  test/rows.spec.ts, with the shaders that include it
const COLUMNS = 8u; // 32 bytes of a row, as much as memory gives at once
const LANES = 32u; // rows that are read side by side
var<workgroup> partial: array<Sum, 256>; // [LANES][COLUMNS]

fn column_sum(sum: Sum, lane: u32) -> Sum {
  partial[lane] = sum;
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane / COLUMNS < half) {
      partial[lane] += partial[lane + half * COLUMNS];
    }
  }
  return partial[lane];
}
