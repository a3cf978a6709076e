// embedding_backward_position — dwpe[t] = sum over b of dy[b,t] (+ dwpe[t])
// Shapes:   dy[B,T,C] -> dwpe[T,C]
// Dispatch: one invocation per element of dwpe, WG threads in linear order; needs: f32 only
// Method:   b in ascending order, so the result does not depend on the launch
// Source:   derivative of a broadcast; CPU twin embedding.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
// In f16:   dy_BTC
@group(0) @binding(0) var<storage, read> dy_BTC: array<f32>; // [B,T,C] gradient of the output
@group(0) @binding(1) var<storage, read_write> dwpe_TC: array<f32>; // [T,C] read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override B: u32;
override T: u32;
override C: u32;
override ACCUMULATE: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= T * C) {
    return;
  }
  var sum = 0.0;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let b_end = B * groups.z;
  for (var b = 0u; b < b_end; b++) {
    sum += dy_BTC[b * T * C + index];
  }
  if (ACCUMULATE == 1u) {
    sum += dwpe_TC[index];
  }
  dwpe_TC[index] = sum;
}
