// flash_attention_inner — inner = Σ_d dy y per row of a head, which is Σ_j p[i,j] g[i,j] of the softmax's derivative
// Shapes:   dy[B,T,HD] y[B,T,HD] -> inner[B,H,T]
// Dispatch: one invocation per row of a head, WG threads in linear order; needs: f32 only
// Method:   one dot product in ascending d
// Source:   Dao et al. 2022 (arXiv:2205.14135) appendix B.2; CPU twin flash-attention.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
// In f16:   dy_BTC y_BTC
@group(0) @binding(0) var<storage, read> dy_BTC: array<f32>; // [B,T,HD] gradient of the output
@group(0) @binding(1) var<storage, read> y_BTC: array<f32>; // [B,T,HD] the output
@group(0) @binding(2) var<storage, read_write> inner_BHT: array<f32>; // [B,H,T] inner products
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override B: u32;
override T: u32;
override H: u32;
override D: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  // Neighbours take neighbouring heads of one row, so that they read one stretch of memory.
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= B * T * H) {
    return;
  }
  var sum = 0.0;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let d_end = D * groups.z;
  for (var d = 0u; d < d_end; d++) {
    sum += dy_BTC[index * D + d] * y_BTC[index * D + d];
  }
  let row = index / H;
  inner_BHT[(row / T * H + index % H) * T + row % T] = sum;
}
