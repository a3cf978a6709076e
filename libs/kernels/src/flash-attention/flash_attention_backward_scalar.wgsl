// flash_attention_backward_scalar — gradients of q, k and v from that of y, probabilities made again from the lse
// Shapes:   qkv[B,T,(H+2G)D] dy[B,T,HD] lse[B,H,T] inner[B,H,T] -> dqkv[B,T,(H+2G)D]
// Dispatch: one invocation per 16 columns of a row of a query head, then of a key head, WG threads; needs: f32 only
// Method:   p = exp(s - lse), ds = p (dy·v - inner) / sqrt(D); dq_i = Σ_j ds k_j; dk_j = Σ_i ds q_i, dv_j = Σ_i p dy_i,
//           over the query heads of the group ascending, of each ascending i; sums in registers
// Source:   Dao et al. 2022 (arXiv:2205.14135) appendix B.2; CPU twin flash-attention.cpu.ts
// Checked:  test/conformance.spec.ts, sqrt(T H / G + D) 2^-23 of the largest entry vs f64
// In f16:   qkv_BTE dy_BTC dqkv_BTE
@group(0) @binding(0) var<storage, read> qkv_BTE: array<f32>; // [B,T,(H+2G)D] projections
@group(0) @binding(1) var<storage, read> dy_BTC: array<f32>; // [B,T,HD] gradient of the output
@group(0) @binding(2) var<storage, read> lse_BHT: array<f32>; // [B,H,T] log-sum-exp of the scaled scores
@group(0) @binding(3) var<storage, read> inner_BHT: array<f32>; // [B,H,T] Σ_d dy y
@group(0) @binding(4) var<storage, read_write> dqkv_BTE: array<f32>; // [B,T,(H+2G)D] gradient of the projections
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override B: u32;
override T: u32;
override H: u32;
override G: u32;
override D: u32;
const COLUMNS = 16u;

/** Four columns of a row of qkv; those beyond the head are its last one again, and are not stored. */
fn projected(row: u32, column: u32) -> vec4f {
  let at = row + min(column + vec4u(0u, 1u, 2u, 3u), vec4u(D - 1u));
  return vec4f(qkv_BTE[at.x], qkv_BTE[at.y], qkv_BTE[at.z], qkv_BTE[at.w]);
}

/** The same of dy. */
fn gradient(row: u32, column: u32) -> vec4f {
  let at = row + min(column + vec4u(0u, 1u, 2u, 3u), vec4u(D - 1u));
  return vec4f(dy_BTC[at.x], dy_BTC[at.y], dy_BTC[at.z], dy_BTC[at.w]);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  let parts = (D + COLUMNS - 1u) / COLUMNS;
  let row = index / parts;
  if (row >= B * (H + G) * T) {
    return;
  }
  let first = index % parts * COLUMNS;
  let of_keys = row >= B * H * T;
  let within = select(row, row - B * H * T, of_keys);
  let own = within % T;
  let own_head = within / T % select(H, G, of_keys);
  let b = within / T / select(H, G, of_keys);
  let stride = (H + 2u * G) * D;
  let scale = inverseSqrt(f32(D));
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let d_end = D * groups.z;
  var sums = mat4x4f();
  var dv = mat4x4f();
  let member_end = select(1u, H / G, of_keys) * groups.z;
  for (var member = 0u; member < member_end; member++) {
    let head = select(own_head, own_head * (H / G) + member, of_keys);
    let end = select(own + 1u, T, of_keys);
    for (var other = select(0u, own, of_keys); other < end; other++) {
      let i = select(own, other, of_keys);
      let j = select(other, own, of_keys);
      let q = (b * T + i) * stride + head * D;
      let k = (b * T + j) * stride + (H + head / (H / G)) * D;
      let dy = ((b * T + i) * H + head) * D;
      var score = 0.0;
      var g = 0.0;
      for (var d = 0u; d < d_end; d++) {
        score += qkv_BTE[q + d] * qkv_BTE[k + d];
        g += dy_BTC[dy + d] * qkv_BTE[k + G * D + d];
      }
      let statistic = (b * H + head) * T + i;
      let p = exp(score * scale - lse_BHT[statistic]);
      // Dropout of the probabilities belongs here: of g, and of what dv takes. Multiplied as compilers do where D is a
      // constant, so that the bits are the same where it is none.
      let ds = p * scale * (g - inner_BHT[statistic]);
      let at = select(k, q, of_keys);
      sums += ds * mat4x4f(
        projected(at, first), projected(at, first + 4u), projected(at, first + 8u), projected(at, first + 12u),
      );
      if (of_keys) {
        dv += p * mat4x4f(
          gradient(dy, first), gradient(dy, first + 4u), gradient(dy, first + 8u), gradient(dy, first + 12u),
        );
      }
    }
  }
  let out = (b * T + own) * stride + select(own_head, H + own_head, of_keys) * D + first;
  let column_end = min(COLUMNS, D - first) * groups.z;
  for (var c = 0u; c < column_end; c++) {
    dqkv_BTE[out + c] = sums[c / 4u][c % 4u];
    if (of_keys) {
      dqkv_BTE[out + G * D + c] = dv[c / 4u][c % 4u];
    }
  }
}
