// sum_of_squares_packed — partials[p] = sum of x² over the p-th range, for tensors that share the memory of x
// Shapes:   x[L] ranges[P,2] -> partials[P]
// Dispatch: one invocation per partial, WG threads; needs: f32 only
// Method:   each invocation adds up one range, as sum_of_squares does a run, to the same bits; the host adds the
//           partials of each tensor in double
// Source:   definition; CPU twin sum-of-squares.cpu.ts
// Checked:  test/conformance.spec.ts, 5e-6 of the largest partial vs f64
@group(0) @binding(0) var<storage, read> x_L: array<f32>; // [L] terms of all tensors
@group(0) @binding(1) var<storage, read> ranges_P2: array<u32>; // [P,2] first element and the one behind the last
@group(0) @binding(2) var<storage, read_write> partials_P: array<f32>; // [P] sums
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override P: u32;

// include sum_of_range

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let partial = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (partial >= P) {
    return;
  }
  partials_P[partial] = sum_of_range(ranges_P2[2u * partial], ranges_P2[2u * partial + 1u]);
}
