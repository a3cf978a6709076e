// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
#if odd
fn total(x: Pack) -> f32 {
  return x;
}
#else
fn total(x: Pack) -> f32 {
  return (x.x + x.y) + (x.z + x.w);
}
#end

#if short
fn row_sum(value: f32, lane: u32) -> f32 {
  var sum = value;
  for (var mask = R / 2u; mask > 0u; mask /= 2u) {
    sum += subgroupShuffleXor(sum, mask);
  }
  return sum;
}

fn row_max(value: f32, lane: u32) -> f32 {
  var largest = value;
  for (var mask = R / 2u; mask > 0u; mask /= 2u) {
    largest = max(largest, subgroupShuffleXor(largest, mask));
  }
  return largest;
}
#else
var<workgroup> partial: array<f32, WG>;

fn row_sum(value: f32, lane: u32) -> f32 {
  partial[lane] = value;
  for (var half = WG / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      partial[lane] += partial[lane + half];
    }
  }
  workgroupBarrier();
  let sum = partial[0];
  // The next reduction writes where this one is read.
  workgroupBarrier();
  return sum;
}

fn row_max(value: f32, lane: u32) -> f32 {
  partial[lane] = value;
  for (var half = WG / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      partial[lane] = max(partial[lane], partial[lane + half]);
    }
  }
  workgroupBarrier();
  let largest = partial[0];
  workgroupBarrier();
  return largest;
}
#end
