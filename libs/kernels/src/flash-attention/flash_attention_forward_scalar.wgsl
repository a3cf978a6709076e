// flash_attention_forward_scalar — y = softmax(q kᵀ / sqrt(D), j <= i) v and the log-sum-exp of the scores, per row
// Shapes:   qkv[B,T,(H+2G)D] (columns q|k|v, head h = columns hD..; h reads key head hG/H) -> y[B,T,HD] lse[B,H,T]
// Dispatch: one invocation per 16 columns of a row of a head, WG threads in linear order; needs: f32 only
// Method:   online softmax key by key; sums in registers, scaled again where a larger score is met
// Source:   Milakov & Gimelshein 2018 (arXiv:1805.02867) alg. 3; CPU twin flash-attention.cpu.ts
// Checked:  test/conformance.spec.ts, sqrt(T + D) 2^-23 of the largest entry vs f64
// In f16:   qkv_BTE y_BTC
@group(0) @binding(0) var<storage, read> qkv_BTE: array<f32>; // [B,T,(H+2G)D] projections
@group(0) @binding(1) var<storage, read_write> y_BTC: array<f32>; // [B,T,HD] attended values
@group(0) @binding(2) var<storage, read_write> lse_BHT: array<f32>; // [B,H,T] log-sum-exp of the scaled scores
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override B: u32;
override T: u32;
override H: u32;
override G: u32;
override D: u32;
const COLUMNS = 16u;

/** Four columns of a row of values; those beyond the head are its last one again, and are not stored. */
fn values_at(row: u32, column: u32) -> vec4f {
  let at = row + min(column + vec4u(0u, 1u, 2u, 3u), vec4u(D - 1u));
  return vec4f(qkv_BTE[at.x], qkv_BTE[at.y], qkv_BTE[at.z], qkv_BTE[at.w]);
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
  if (row >= B * H * T) {
    return;
  }
  let first = index % parts * COLUMNS;
  let i = row % T;
  let head = row / T % H;
  let b = row / (T * H);
  let stride = (H + 2u * G) * D;
  let q = (b * T + i) * stride + head * D;
  let k = b * T * stride + (H + head / (H / G)) * D;
  let scale = inverseSqrt(f32(D));
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let d_end = D * groups.z;
  var sums = mat4x4f();
  var maximum = 0.0;
  var sum = 0.0;
  for (var j = 0u; j <= i; j++) {
    let k_start = k + j * stride;
    var score = 0.0;
    for (var d = 0u; d < d_end; d++) {
      score += qkv_BTE[q + d] * qkv_BTE[k_start + d];
    }
    score *= scale;
    if (j == 0u || score > maximum) {
      let factor = select(exp(maximum - score), 0.0, j == 0u);
      sum *= factor;
      sums *= factor;
      maximum = score;
    }
    let p = exp(score - maximum);
    sum += p;
    // Dropout of the probabilities belongs here: the sum takes p before it, the product after it.
    let v = k_start + G * D;
    sums += p * mat4x4f(
      values_at(v, first), values_at(v, first + 4u), values_at(v, first + 8u), values_at(v, first + 12u),
    );
  }
  let column_end = min(COLUMNS, D - first) * groups.z;
  for (var c = 0u; c < column_end; c++) {
    y_BTC[((b * T + i) * H + head) * D + first + c] = sums[c / 4u][c % 4u] / sum;
  }
  if (first == 0u) {
    lse_BHT[row] = maximum + log(sum);
  }
}
