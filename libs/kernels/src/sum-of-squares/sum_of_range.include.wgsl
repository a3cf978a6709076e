// sum_of_range.include — sum of x_L² from one element up to another, the same wherever in x_L they are
// Method:   four interleaved sums in ascending order, added as (0+1)+(2+3); what is left of a four goes to the first
// Source:   definition; CPU twin sum-of-squares.cpu.ts
// Checked:  test/conformance.spec.ts, as part of the shaders that include it
fn sum_of_range(first: u32, end: u32) -> f32 {
  var index = first;
  var sums = vec4f();
  for (; index + 4u <= end; index += 4u) {
    let x = vec4f(x_L[index], x_L[index + 1u], x_L[index + 2u], x_L[index + 3u]);
    sums += x * x;
  }
  for (; index < end; index++) {
    sums.x += x_L[index] * x_L[index];
  }
  return (sums.x + sums.y) + (sums.z + sums.w);
}
