// Generated from libs/kernels/src/**/*.wgsl by `node scripts/gen-kernels.mjs`; do not edit.

/** Shader text by file name without extension. */
export const WGSL: Readonly<Record<string, string>> = {
  adamw: `// adamw — one AdamW update with decoupled decay (first) and a clip coefficient on the gradient
// Shapes:   gradient[L] hyper[10] -> weight[L] m[L] v[L]
// Dispatch: one invocation per element, WG threads in linear order; needs: f32 only
// Method:   g = gradient * clip; w *= 1 - lr*decay (if DECAY); m, v moving averages; w -= lr m̂ / (sqrt(v̂) + eps)
// Source:   Loshchilov & Hutter 2019 (arXiv:1711.05101) algorithm 2; CPU twin adamw.cpu.ts
// Checked:  test/conformance.spec.ts, 1e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> gradient_L: array<f32>; // [L] accumulated gradient
@group(0) @binding(1) var<storage, read> hyper_10: array<f32>; // [10] as adamw.ts lists them
@group(0) @binding(2) var<storage, read_write> weight_L: array<f32>; // [L] parameter, updated
@group(0) @binding(3) var<storage, read_write> m_L: array<f32>; // [L] first moment, updated
@group(0) @binding(4) var<storage, read_write> v_L: array<f32>; // [L] second moment, updated
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override L: u32;
override DECAY: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= L) {
    return;
  }
  // 1 - beta comes from the host: taken here, in f32, 1 - 0.999 is wrong by 1.3e-5 of itself.
  let lr = hyper_10[0];
  let beta1 = hyper_10[1];
  let beta2 = hyper_10[2];
  let g = gradient_L[index] * hyper_10[7];
  var weight = weight_L[index];
  if (DECAY == 1u) {
    weight *= 1.0 - lr * hyper_10[4];
  }
  let m = beta1 * m_L[index] + hyper_10[8] * g;
  let v = beta2 * v_L[index] + hyper_10[9] * g * g;
  m_L[index] = m;
  v_L[index] = v;
  weight_L[index] = weight - lr * (m / hyper_10[5]) / (sqrt(v / hyper_10[6]) + hyper_10[3]);
}
`,
  add: `// add — y = a + b
// Shapes:   a[L] b[L] -> y[L]
// Dispatch: one invocation per element, WG threads in linear order; needs: f32 only
// Method:   elementwise
// Source:   definition; CPU twin add.cpu.ts
// Checked:  test/conformance.spec.ts, 1e-7 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_L: array<f32>; // [L] first summand
@group(0) @binding(1) var<storage, read> b_L: array<f32>; // [L] second summand
@group(0) @binding(2) var<storage, read_write> y_L: array<f32>; // [L] sum
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override L: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= L) {
    return;
  }
  y_L[index] = a_L[index] + b_L[index];
}
`,
  attention_key_backward: `// attention_key_backward — dk_j = sum over query heads of the group and i >= j of ds[i,j] q_i, per batch row
// Shapes:   dscores[B,H,T,T] qkv[B,T,(H+2G)D] -> dqkv[B,T,(H+2G)D], its k columns
// Dispatch: one invocation per element of those columns, WG threads in linear order; needs: f32 only
// Method:   query heads ascending, of each ascending i from the diagonal
// Source:   derivative of Vaswani et al. 2017 (arXiv:1706.03762) eq. 1; CPU twin attention-backward.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> dscores_BHTT: array<f32>; // [B,H,T,T] gradient of q·k
@group(0) @binding(1) var<storage, read> qkv_BTE: array<f32>; // [B,T,(H+2G)D] projections
@group(0) @binding(2) var<storage, read_write> dqkv_BTE: array<f32>; // [B,T,(H+2G)D] gradient, k columns written
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override B: u32;
override T: u32;
override H: u32;
override G: u32;
override D: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  let width = G * D;
  let stride = (H + 2u * G) * D;
  if (index >= B * T * width) {
    return;
  }
  let column = index % width;
  let t = (index / width) % T;
  let b = index / (width * T);
  var sum = 0.0;
  // Of the query heads that read this one, ascending.
  let member_end = H / G * groups.z;
  for (var member = 0u; member < member_end; member++) {
    let head = column / D * (H / G) + member;
    let square = (b * H + head) * T * T;
    for (var i = t; i < T; i++) {
      sum += dscores_BHTT[square + i * T + t] * qkv_BTE[(b * T + i) * stride + head * D + column % D];
    }
  }
  dqkv_BTE[(b * T + t) * stride + H * D + column] = sum;
}
`,
  attention_mix: `// attention_mix — y_i = sum over j <= i of p[i,j] v_j, per batch row and head
// Shapes:   probabilities[B,H,T,T] qkv[B,T,(H+2G)D] -> y[B,T,HD]
// Dispatch: one invocation per element of y, WG threads in linear order; needs: f32 only
// Method:   ascending j up to the diagonal
// Source:   Vaswani et al. 2017 (arXiv:1706.03762) eq. 1; CPU twin attention.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> probabilities_BHTT: array<f32>; // [B,H,T,T] causal softmax
@group(0) @binding(1) var<storage, read> qkv_BTE: array<f32>; // [B,T,(H+2G)D] projections
@group(0) @binding(2) var<storage, read_write> y_BTC: array<f32>; // [B,T,HD] mixed values, heads side by side
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override B: u32;
override T: u32;
override H: u32;
override G: u32;
override D: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  let width = H * D;
  if (index >= B * T * width) {
    return;
  }
  let column = index % width;
  let i = (index / width) % T;
  let b = index / (width * T);
  let p_start = ((b * H + column / D) * T + i) * T;
  let stride = (H + 2u * G) * D;
  let v_start = b * T * stride + (H + G + column / D / (H / G)) * D + column % D;
  var sum = 0.0;
  for (var j = 0u; j <= i; j++) {
    sum += probabilities_BHTT[p_start + j] * qkv_BTE[v_start + j * stride];
  }
  y_BTC[index] = sum;
}
`,
  attention_nn_subgroup: `// attention_nn_subgroup — c = a b per head, a lower triangular (0 above the diagonal)
// Shapes:   a[T,T] b[T,D] -> c[T,D]; all sizes, strides and offsets % 4 = 0
// Dispatch: one subgroup of 8 invocations per 16 x 32 tile, tiles of a head in a row; needs: subgroups, size 8
// Method:   register tile with broadcast as in matmul_nn_subgroup; k ends at the diagonal
// Source:   Vaswani et al. 2017 (arXiv:1706.03762) eq. 1 and its derivative; CPU twins attention*.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
enable subgroups;

@group(0) @binding(0) var<storage, read> a: array<vec4f>; // [..,T,T] left factor of every head
@group(0) @binding(1) var<storage, read> b: array<vec4f>; // [..,T,D] right factor of every head
@group(0) @binding(2) var<storage, read_write> c: array<vec4f>; // [..,T,D] product of every head
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override H: u32; // heads of a batch row
override HEADS: u32; // heads of all batch rows
override M: u32;
override K: u32;
override N: u32;
// Where head h of batch row b begins, and from one row to the next, in elements: b * BATCH + h * HEAD + OFFSET.
override A_BATCH: u32;
override A_HEAD: u32;
override A_OFFSET: u32;
override A_STRIDE: u32;
override B_BATCH: u32;
override B_HEAD: u32;
override B_OFFSET: u32;
override B_STRIDE: u32;
override C_BATCH: u32;
override C_HEAD: u32;
override C_OFFSET: u32;
override C_STRIDE: u32;
const ROWS = 16u;

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + 31u) / 32u;
  let tiles = tiles_across * ((M + ROWS - 1u) / ROWS);
  let index = first_group + group.y * groups.x + group.x;
  let head = index / tiles;
  let row = (index % tiles) / tiles_across * ROWS;
  let column = (index % tiles_across) * 32u + lane * 4u;
  if (head >= HEADS) {
    return;
  }
  let a_start = (head / H * A_BATCH + head % H * A_HEAD + A_OFFSET) / 4u;
  let b_start = (head / H * B_BATCH + head % H * B_HEAD + B_OFFSET) / 4u;
  // Lanes beyond the edge work on the last row or column again and store nothing.
  let safe_column = min(column, N - 4u);
  let a_low = a_start + min(row + lane, M - 1u) * (A_STRIDE / 4u);
  let a_high = a_start + min(row + 8u + lane, M - 1u) * (A_STRIDE / 4u);
  let b_column = b_start + safe_column / 4u;
  var c0 = vec4f();
  var c1 = vec4f();
  var c2 = vec4f();
  var c3 = vec4f();
  var c4 = vec4f();
  var c5 = vec4f();
  var c6 = vec4f();
  var c7 = vec4f();
  var c8 = vec4f();
  var c9 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c12 = vec4f();
  var c13 = vec4f();
  var c14 = vec4f();
  var c15 = vec4f();
  for (var k = 0u; k < min(K, row + ROWS); k += 4u) {
    let low = a[a_low + k / 4u];
    let high = a[a_high + k / 4u];
    let start = b_column + k * (B_STRIDE / 4u);
    let right = mat4x4f(
      b[start], b[start + B_STRIDE / 4u], b[start + B_STRIDE / 4u * 2u], b[start + B_STRIDE / 4u * 3u],
    );
    c0 += right * subgroupBroadcast(low, 0u);
    c1 += right * subgroupBroadcast(low, 1u);
    c2 += right * subgroupBroadcast(low, 2u);
    c3 += right * subgroupBroadcast(low, 3u);
    c4 += right * subgroupBroadcast(low, 4u);
    c5 += right * subgroupBroadcast(low, 5u);
    c6 += right * subgroupBroadcast(low, 6u);
    c7 += right * subgroupBroadcast(low, 7u);
    c8 += right * subgroupBroadcast(high, 0u);
    c9 += right * subgroupBroadcast(high, 1u);
    c10 += right * subgroupBroadcast(high, 2u);
    c11 += right * subgroupBroadcast(high, 3u);
    c12 += right * subgroupBroadcast(high, 4u);
    c13 += right * subgroupBroadcast(high, 5u);
    c14 += right * subgroupBroadcast(high, 6u);
    c15 += right * subgroupBroadcast(high, 7u);
  }
  var sums = array<vec4f, ROWS>(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15);
  if (column >= N) {
    return;
  }
  let c_start = (head / H * C_BATCH + head % H * C_HEAD + C_OFFSET + column) / 4u;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let i_end = min(ROWS, M - row) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    c[c_start + (row + i) * (C_STRIDE / 4u)] = sums[i];
  }
}
`,
  attention_nt_subgroup: `// attention_nt_subgroup — c = a bᵀ SCALE per head, on and below the diagonal
// Shapes:   a[T,D] b[T,D] -> c[T,T], entries above the diagonal unspecified; all sizes, strides and offsets % 4 = 0
// Dispatch: one subgroup of 8 invocations per 16 x 32 tile, tiles of a head in a row; needs: subgroups, size 8
// Method:   register tile with broadcast as in matmul_nt_subgroup; tiles above the diagonal skipped
// Source:   Vaswani et al. 2017 (arXiv:1706.03762) eq. 1 and its derivative; CPU twins attention*.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
enable subgroups;

@group(0) @binding(0) var<storage, read> a: array<vec4f>; // [..,T,D] left factor of every head
@group(0) @binding(1) var<storage, read> b: array<vec4f>; // [..,T,D] right factor of every head
@group(0) @binding(2) var<storage, read_write> c: array<vec4f>; // [..,T,T] product of every head
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override H: u32; // heads of a batch row
override HEADS: u32; // heads of all batch rows
override M: u32;
override K: u32;
override N: u32;
// Where head h of batch row b begins, and from one row to the next, in elements: b * BATCH + h * HEAD + OFFSET.
override A_BATCH: u32;
override A_HEAD: u32;
override A_OFFSET: u32;
override A_STRIDE: u32;
override B_BATCH: u32;
override B_HEAD: u32;
override B_OFFSET: u32;
override B_STRIDE: u32;
override C_BATCH: u32;
override C_HEAD: u32;
override C_OFFSET: u32;
override C_STRIDE: u32;
override SCALE: f32; // factor of the product
const ROWS = 16u;

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + 31u) / 32u;
  let tiles = tiles_across * ((M + ROWS - 1u) / ROWS);
  let index = first_group + group.y * groups.x + group.x;
  let head = index / tiles;
  let row = (index % tiles) / tiles_across * ROWS;
  let column = (index % tiles_across) * 32u + lane * 4u;
  // A tile whose first column is beyond its last row holds masked entries alone.
  if (head >= HEADS || (index % tiles_across) * 32u >= row + ROWS) {
    return;
  }
  let a_start = (head / H * A_BATCH + head % H * A_HEAD + A_OFFSET) / 4u;
  let b_start = (head / H * B_BATCH + head % H * B_HEAD + B_OFFSET) / 4u;
  // Lanes beyond the edge work on the last row or column again and store nothing.
  let safe_column = min(column, N - 4u);
  let a_low = a_start + min(row + lane, M - 1u) * (A_STRIDE / 4u);
  let a_high = a_start + min(row + 8u + lane, M - 1u) * (A_STRIDE / 4u);
  let b_rows = b_start + safe_column * (B_STRIDE / 4u);
  var c0 = vec4f();
  var c1 = vec4f();
  var c2 = vec4f();
  var c3 = vec4f();
  var c4 = vec4f();
  var c5 = vec4f();
  var c6 = vec4f();
  var c7 = vec4f();
  var c8 = vec4f();
  var c9 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c12 = vec4f();
  var c13 = vec4f();
  var c14 = vec4f();
  var c15 = vec4f();
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let k_end = K / 4u * groups.z;
  for (var k = 0u; k < k_end; k++) {
    let low = a[a_low + k];
    let high = a[a_high + k];
    let start = b_rows + k;
    let right = transpose(
      mat4x4f(b[start], b[start + B_STRIDE / 4u], b[start + B_STRIDE / 4u * 2u], b[start + B_STRIDE / 4u * 3u]),
    );
    c0 += right * subgroupBroadcast(low, 0u);
    c1 += right * subgroupBroadcast(low, 1u);
    c2 += right * subgroupBroadcast(low, 2u);
    c3 += right * subgroupBroadcast(low, 3u);
    c4 += right * subgroupBroadcast(low, 4u);
    c5 += right * subgroupBroadcast(low, 5u);
    c6 += right * subgroupBroadcast(low, 6u);
    c7 += right * subgroupBroadcast(low, 7u);
    c8 += right * subgroupBroadcast(high, 0u);
    c9 += right * subgroupBroadcast(high, 1u);
    c10 += right * subgroupBroadcast(high, 2u);
    c11 += right * subgroupBroadcast(high, 3u);
    c12 += right * subgroupBroadcast(high, 4u);
    c13 += right * subgroupBroadcast(high, 5u);
    c14 += right * subgroupBroadcast(high, 6u);
    c15 += right * subgroupBroadcast(high, 7u);
  }
  var sums = array<vec4f, ROWS>(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15);
  if (column >= N) {
    return;
  }
  let c_start = (head / H * C_BATCH + head % H * C_HEAD + C_OFFSET + column) / 4u;
  let i_end = min(ROWS, M - row) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    c[c_start + (row + i) * (C_STRIDE / 4u)] = sums[i] * SCALE;
  }
}
`,
  attention_query_backward: `// attention_query_backward — dq_i = sum over j <= i of ds[i,j] k_j, per batch row and head
// Shapes:   dscores[B,H,T,T] qkv[B,T,(H+2G)D] -> dqkv[B,T,(H+2G)D], its q columns
// Dispatch: one invocation per element of those columns, WG threads in linear order; needs: f32 only
// Method:   ascending j up to the diagonal
// Source:   derivative of Vaswani et al. 2017 (arXiv:1706.03762) eq. 1; CPU twin attention-backward.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> dscores_BHTT: array<f32>; // [B,H,T,T] gradient of q·k
@group(0) @binding(1) var<storage, read> qkv_BTE: array<f32>; // [B,T,(H+2G)D] projections
@group(0) @binding(2) var<storage, read_write> dqkv_BTE: array<f32>; // [B,T,(H+2G)D] gradient, q columns written
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override B: u32;
override T: u32;
override H: u32;
override G: u32;
override D: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  let width = H * D;
  if (index >= B * T * width) {
    return;
  }
  let column = index % width;
  let t = (index / width) % T;
  let b = index / (width * T);
  let square = (b * H + column / D) * T * T;
  let stride = (H + 2u * G) * D;
  let k_start = b * T * stride + (H + column / D / (H / G)) * D + column % D;
  var sum = 0.0;
  for (var j = 0u; j <= t; j++) {
    sum += dscores_BHTT[square + t * T + j] * qkv_BTE[k_start + j * stride];
  }
  dqkv_BTE[(b * T + t) * stride + column] = sum;
}
`,
  attention_scores: `// attention_scores — s[i,j] = q_i · k_j / sqrt(D) for j <= i, per batch row and head
// Shapes:   qkv[B,T,(H+2G)D] (columns q|k|v, head h = columns hD..; h reads key head hG/H) -> scores[B,H,T,T]
// Dispatch: one invocation per element of scores, WG threads in linear order; needs: f32 only
// Method:   one dot product in ascending d; entries above the diagonal are left as they are
// Source:   Vaswani et al. 2017 (arXiv:1706.03762) eq. 1; CPU twin attention.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> queries_BTE: array<f32>; // [B,T,(H+2G)D] projections, q columns read
@group(0) @binding(1) var<storage, read> keys_BTE: array<f32>; // [B,T,(H+2G)D] the same tensor, k columns read
@group(0) @binding(2) var<storage, read_write> scores_BHTT: array<f32>; // [B,H,T,T] scaled products
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override B: u32;
override T: u32;
override H: u32;
override G: u32;
override D: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= B * H * T * T) {
    return;
  }
  let j = index % T;
  let i = (index / T) % T;
  if (j > i) {
    return;
  }
  let head = index / (T * T);
  let stride = (H + 2u * G) * D;
  let base = (head / H) * T * stride;
  let q_start = base + i * stride + (head % H) * D;
  let k_start = base + j * stride + (H + (head % H) / (H / G)) * D;
  var sum = 0.0;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let d_end = D * groups.z;
  for (var d = 0u; d < d_end; d++) {
    sum += queries_BTE[q_start + d] * keys_BTE[k_start + d];
  }
  scores_BHTT[index] = sum * inverseSqrt(f32(D));
}
`,
  attention_scores_backward: `// attention_scores_backward — g[i,j] = dy_i · v_j for j <= i: gradient of the probabilities
// Shapes:   dy[B,T,HD] qkv[B,T,(H+2G)D] -> dscores[B,H,T,T]
// Dispatch: one invocation per element of dscores, WG threads in linear order; needs: f32 only
// Method:   one dot product in ascending d; entries above the diagonal are left as they are
// Source:   derivative of Vaswani et al. 2017 (arXiv:1706.03762) eq. 1; CPU twin attention-backward.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> dy_BTC: array<f32>; // [B,T,HD] gradient of the output
@group(0) @binding(1) var<storage, read> qkv_BTE: array<f32>; // [B,T,(H+2G)D] projections
@group(0) @binding(2) var<storage, read_write> dscores_BHTT: array<f32>; // [B,H,T,T] products
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override B: u32;
override T: u32;
override H: u32;
override G: u32;
override D: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= B * H * T * T) {
    return;
  }
  let j = index % T;
  let i = (index / T) % T;
  if (j > i) {
    return;
  }
  let head = index / (T * T);
  let width = H * D;
  let b = head / H;
  let column = (head % H) * D;
  let dy_start = (b * T + i) * width + column;
  let v_start = ((b * T + j) * (H + 2u * G) + H + G + (head % H) / (H / G)) * D;
  var sum = 0.0;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let d_end = D * groups.z;
  for (var d = 0u; d < d_end; d++) {
    sum += dy_BTC[dy_start + d] * qkv_BTE[v_start + d];
  }
  dscores_BHTT[index] = sum;
}
`,
  attention_softmax: `// attention_softmax — p[i,j] = exp(s[i,j]) / sum over j' <= i of exp(s[i,j']) for j <= i, else 0, in place
// Shapes:   probabilities[B,H,T,T] (scores on entry) -> probabilities[B,H,T,T]
// Dispatch: one invocation per row, WG threads; needs: f32 only
// Method:   row maximum, exponentials and their sum in ascending order, division; the causal mask is the loop bound
// Source:   Vaswani et al. 2017 (arXiv:1706.03762) eq. 1; CPU twin attention.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read_write> probabilities_BHTT: array<f32>; // [B,H,T,T] scores in, probabilities out
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override B: u32;
override T: u32;
override H: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (row >= B * H * T) {
    return;
  }
  let start = row * T;
  let count = row % T + 1u;
  var maximum = probabilities_BHTT[start];
  for (var j = 1u; j < count; j++) {
    maximum = max(maximum, probabilities_BHTT[start + j]);
  }
  var sum = 0.0;
  for (var j = 0u; j < count; j++) {
    let e = exp(probabilities_BHTT[start + j] - maximum);
    probabilities_BHTT[start + j] = e;
    sum += e;
  }
  for (var j = 0u; j < count; j++) {
    probabilities_BHTT[start + j] = probabilities_BHTT[start + j] / sum;
  }
  for (var j = count; j < T; j++) {
    probabilities_BHTT[start + j] = 0.0;
  }
}
`,
  attention_softmax_backward: `// attention_softmax_backward — ds[i,j] = p[i,j] (g[i,j] - Σ p[i,·] g[i,·]) / sqrt(D) for j <= i, else 0
// Shapes:   probabilities[B,H,T,T] dscores[B,H,T,T] (g on entry) -> dscores[B,H,T,T]
// Dispatch: one invocation per row, WG threads; needs: f32 only
// Method:   the row's inner product in ascending order, then the output in place
// Source:   derivative of Vaswani et al. 2017 (arXiv:1706.03762) eq. 1; CPU twin attention-backward.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> probabilities_BHTT: array<f32>; // [B,H,T,T] causal softmax
@group(0) @binding(1) var<storage, read_write> dscores_BHTT: array<f32>; // [B,H,T,T] g in, gradient of q·k out
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
  let row = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (row >= B * H * T) {
    return;
  }
  let start = row * T;
  let count = row % T + 1u;
  var inner = 0.0;
  for (var j = 0u; j < count; j++) {
    inner += probabilities_BHTT[start + j] * dscores_BHTT[start + j];
  }
  let scale = inverseSqrt(f32(D));
  for (var j = 0u; j < count; j++) {
    dscores_BHTT[start + j] = probabilities_BHTT[start + j] * (dscores_BHTT[start + j] - inner) * scale;
  }
  for (var j = count; j < T; j++) {
    dscores_BHTT[start + j] = 0.0;
  }
}
`,
  attention_tn_subgroup: `// attention_tn_subgroup — c = aᵀ b per head, a lower triangular (0 above the diagonal)
// Shapes:   a[T,T] b[T,D] -> c[T,D]; all sizes, strides and offsets % 4 = 0
// Dispatch: one subgroup of 8 invocations per 16 x 32 tile, tiles of a head in a row; needs: subgroups, size 8
// Method:   register tile with broadcast as in matmul_tn_subgroup; k begins at the diagonal
// Source:   Vaswani et al. 2017 (arXiv:1706.03762) eq. 1 and its derivative; CPU twins attention*.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
enable subgroups;

@group(0) @binding(0) var<storage, read> a: array<vec4f>; // [..,T,T] left factor of every head
@group(0) @binding(1) var<storage, read> b: array<vec4f>; // [..,T,D] right factor of every head
@group(0) @binding(2) var<storage, read_write> c: array<vec4f>; // [..,T,D] product of every head
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override H: u32; // heads of a batch row
override HEADS: u32; // heads of all batch rows
override M: u32;
override K: u32;
override N: u32;
// Where head h of batch row b begins, and from one row to the next, in elements: b * BATCH + h * HEAD + OFFSET.
override A_BATCH: u32;
override A_HEAD: u32;
override A_OFFSET: u32;
override A_STRIDE: u32;
override B_BATCH: u32;
override B_HEAD: u32;
override B_OFFSET: u32;
override B_STRIDE: u32;
override C_BATCH: u32;
override C_HEAD: u32;
override C_OFFSET: u32;
override C_STRIDE: u32;
const ROWS = 16u;

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + 31u) / 32u;
  let tiles = tiles_across * ((M + ROWS - 1u) / ROWS);
  let index = first_group + group.y * groups.x + group.x;
  let head = index / tiles;
  let row = (index % tiles) / tiles_across * ROWS;
  let column = (index % tiles_across) * 32u + lane * 4u;
  if (head >= HEADS) {
    return;
  }
  let a_start = (head / H * A_BATCH + head % H * A_HEAD + A_OFFSET) / 4u;
  let b_start = (head / H * B_BATCH + head % H * B_HEAD + B_OFFSET) / 4u;
  // Lanes beyond the edge work on the last row or column again and store nothing.
  let safe_column = min(column, N - 4u);
  // Lanes 0..3 hold four k of the first four of eight rows, lanes 4..7 of the other four.
  let a_lane = a_start + (lane % 4u) * (A_STRIDE / 4u);
  let a_low = a_lane + min(row / 4u + lane / 4u, M / 4u - 1u);
  let a_high = a_lane + min(row / 4u + 2u + lane / 4u, M / 4u - 1u);
  let b_column = b_start + safe_column / 4u;
  var c0 = vec4f();
  var c1 = vec4f();
  var c2 = vec4f();
  var c3 = vec4f();
  var c4 = vec4f();
  var c5 = vec4f();
  var c6 = vec4f();
  var c7 = vec4f();
  var c8 = vec4f();
  var c9 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c12 = vec4f();
  var c13 = vec4f();
  var c14 = vec4f();
  var c15 = vec4f();
  for (var k = row; k < K; k += 4u) {
    let low = a[a_low + k * (A_STRIDE / 4u)];
    let high = a[a_high + k * (A_STRIDE / 4u)];
    let start = b_column + k * (B_STRIDE / 4u);
    let right = mat4x4f(
      b[start], b[start + B_STRIDE / 4u], b[start + B_STRIDE / 4u * 2u], b[start + B_STRIDE / 4u * 3u],
    );
    let a0 = transpose(mat4x4f(
      subgroupBroadcast(low, 0u), subgroupBroadcast(low, 1u),
      subgroupBroadcast(low, 2u), subgroupBroadcast(low, 3u),
    ));
    c0 += right * a0[0];
    c1 += right * a0[1];
    c2 += right * a0[2];
    c3 += right * a0[3];
    let a1 = transpose(mat4x4f(
      subgroupBroadcast(low, 4u), subgroupBroadcast(low, 5u),
      subgroupBroadcast(low, 6u), subgroupBroadcast(low, 7u),
    ));
    c4 += right * a1[0];
    c5 += right * a1[1];
    c6 += right * a1[2];
    c7 += right * a1[3];
    let a2 = transpose(mat4x4f(
      subgroupBroadcast(high, 0u), subgroupBroadcast(high, 1u),
      subgroupBroadcast(high, 2u), subgroupBroadcast(high, 3u),
    ));
    c8 += right * a2[0];
    c9 += right * a2[1];
    c10 += right * a2[2];
    c11 += right * a2[3];
    let a3 = transpose(mat4x4f(
      subgroupBroadcast(high, 4u), subgroupBroadcast(high, 5u),
      subgroupBroadcast(high, 6u), subgroupBroadcast(high, 7u),
    ));
    c12 += right * a3[0];
    c13 += right * a3[1];
    c14 += right * a3[2];
    c15 += right * a3[3];
  }
  var sums = array<vec4f, ROWS>(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15);
  if (column >= N) {
    return;
  }
  let c_start = (head / H * C_BATCH + head % H * C_HEAD + C_OFFSET + column) / 4u;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let i_end = min(ROWS, M - row) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    c[c_start + (row + i) * (C_STRIDE / 4u)] = sums[i];
  }
}
`,
  attention_value_backward: `// attention_value_backward — dv_j = sum over query heads of the group and i >= j of p[i,j] dy_i, per batch row
// Shapes:   probabilities[B,H,T,T] dy[B,T,HD] -> dqkv[B,T,(H+2G)D], its v columns
// Dispatch: one invocation per element of those columns, WG threads in linear order; needs: f32 only
// Method:   query heads ascending, of each ascending i from the diagonal
// Source:   derivative of Vaswani et al. 2017 (arXiv:1706.03762) eq. 1; CPU twin attention-backward.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> probabilities_BHTT: array<f32>; // [B,H,T,T] causal softmax
@group(0) @binding(1) var<storage, read> dy_BTC: array<f32>; // [B,T,HD] gradient of the output
@group(0) @binding(2) var<storage, read_write> dqkv_BTE: array<f32>; // [B,T,(H+2G)D] gradient, v columns written
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override B: u32;
override T: u32;
override H: u32;
override G: u32;
override D: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  let width = G * D;
  let stride = (H + 2u * G) * D;
  if (index >= B * T * width) {
    return;
  }
  let column = index % width;
  let t = (index / width) % T;
  let b = index / (width * T);
  var sum = 0.0;
  // Of the query heads that read this one, ascending.
  let member_end = H / G * groups.z;
  for (var member = 0u; member < member_end; member++) {
    let head = column / D * (H / G) + member;
    let square = (b * H + head) * T * T;
    for (var i = t; i < T; i++) {
      sum += probabilities_BHTT[square + i * T + t] * dy_BTC[((b * T + i) * H + head) * D + column % D];
    }
  }
  dqkv_BTE[(b * T + t) * stride + (H + G) * D + column] = sum;
}
`,
  bias_backward: `// bias_backward — db = sum over rows of dy (+ db)
// Shapes:   dy[N,C] -> db[C]
// Dispatch: one invocation per column, WG threads; needs: f32 only
// Method:   rows in ascending order, so the result does not depend on the launch
// Source:   derivative of y = x + b; CPU twin bias.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> dy_NC: array<f32>; // [N,C] gradient of the output
@group(0) @binding(1) var<storage, read_write> db_C: array<f32>; // [C] gradient of the bias, read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override ACCUMULATE: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let column = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (column >= C) {
    return;
  }
  var sum = 0.0;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let row_end = N * groups.z;
  for (var row = 0u; row < row_end; row++) {
    sum += dy_NC[row * C + column];
  }
  if (ACCUMULATE == 1u) {
    sum += db_C[column];
  }
  db_C[column] = sum;
}
`,
  bias_backward_workgroup: `// bias_backward_workgroup — db = sum over rows of dy (+ db)
// Shapes:   dy[N,C] -> db[C]
// Dispatch: one workgroup of 256 invocations per 8 columns
// Method:   32 rows side by side, each in ascending steps of 32; then a tree in workgroup memory of fixed order
// Source:   llm.c (f1e2ace) matmul.cuh, matmul_backward_bias_kernel9; CPU twin bias.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(N)) 2^-23 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> dy_NC: array<f32>; // [N,C] gradient of the output
@group(0) @binding(1) var<storage, read_write> db_C: array<f32>; // [C] read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override N: u32;
override C: u32;
override ACCUMULATE: u32;

alias Sum = f32;

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

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first_column = (first_group + group.y * groups.x + group.x) * COLUMNS;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (first_column >= C) {
    return;
  }
  let column = first_column + lane % COLUMNS;
  // Columns beyond the edge add up the last one again and store nothing.
  let safe_column = min(column, C - 1u);
  let y = lane / COLUMNS;
  var sum = Sum();
  for (var row = y; row < N; row += LANES) {
    sum += dy_NC[row * C + safe_column];
  }
  var total = column_sum(sum, lane);
  if (y > 0u || column >= C) {
    return;
  }
  if (ACCUMULATE == 1u) {
    total += db_C[column];
  }
  db_C[column] = total;
}
`,
  cross_entropy_backward: `// cross_entropy_backward — dlogits = (softmax(logits) - onehot(target)) * scale; 0 in ignored rows
// Shapes:   logits[N,V] targets[N] lse[N] scale[1] -> dlogits[N,V]
// Dispatch: one invocation per element, WG threads in linear order; needs: f32 only
// Method:   softmax = exp(logit - lse), with the lse of the forward
// Source:   derivative of the softmax cross entropy; CPU twin cross-entropy.cpu.ts
// Checked:  test/conformance.spec.ts, 5e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> logits_NV: array<f32>; // [N,V] logits of each row
@group(0) @binding(1) var<storage, read> targets_N: array<u32>; // [N] class of each row, < V, or IGNORED
@group(0) @binding(2) var<storage, read> lse_N: array<f32>; // [N] log of the sum of exponentials
@group(0) @binding(3) var<storage, read> scale_1: array<f32>; // [1] gradient of every row's loss
@group(0) @binding(4) var<storage, read_write> dlogits_NV: array<f32>; // [N,V] gradient of the logits
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override V: u32;
// -1 as u32: a row that counts nothing.
const IGNORED = 0xffffffffu;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= N * V) {
    return;
  }
  let row = index / V;
  let softmax = exp(logits_NV[index] - lse_N[row]);
  let target_id = targets_N[row];
  let onehot = select(0.0, 1.0, index % V == target_id);
  dlogits_NV[index] = select((softmax - onehot) * scale_1[0], 0.0, target_id == IGNORED);
}
`,
  cross_entropy_forward: `// cross_entropy_forward — loss = lse - logit of the target, lse = log(sum exp(logits)), per row; ignored rows lose 0
// Shapes:   logits[N,V] targets[N] -> loss[N] lse[N]
// Dispatch: one invocation per row, WG threads; needs: f32 only
// Method:   row maximum, then the sum of exp(logit - maximum) in ascending order; logits read twice
// Source:   definition (natural logarithm); CPU twin cross-entropy.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> logits_NV: array<f32>; // [N,V] logits of each row
@group(0) @binding(1) var<storage, read> targets_N: array<u32>; // [N] class of each row, < V, or IGNORED
@group(0) @binding(2) var<storage, read_write> loss_N: array<f32>; // [N] loss of each row
@group(0) @binding(3) var<storage, read_write> lse_N: array<f32>; // [N] log of the sum of exponentials
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override V: u32;
// -1 as u32: a row that counts nothing.
const IGNORED = 0xffffffffu;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (row >= N) {
    return;
  }
  let start = row * V;
  var maximum = logits_NV[start];
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let i_end = V * groups.z;
  for (var i = 1u; i < i_end; i++) {
    maximum = max(maximum, logits_NV[start + i]);
  }
  var sum = 0.0;
  for (var i = 0u; i < i_end; i++) {
    sum += exp(logits_NV[start + i] - maximum);
  }
  let lse = maximum + log(sum);
  lse_N[row] = lse;
  let target_id = targets_N[row];
  if (target_id == IGNORED) {
    loss_N[row] = 0.0;
  } else {
    loss_N[row] = lse - logits_NV[start + target_id];
  }
}
`,
  cross_entropy_forward_long: `// cross_entropy_forward_long — loss = lse - logit of the target, lse = log(sum exp(logits)), per row; ignored rows lose 0
// Shapes:   logits[N,V] targets[N] -> loss[N] lse[N]
// Dispatch: one workgroup of WG invocations per row; needs: f32 only
// Method:   nothing is held: maximum and sum of exponentials in one pass, the sum scaled as the maximum grows
// Source:   Milakov & Gimelshein 2018 (arXiv:1805.02867); OneFlow 0.9 softmax.cuh; CPU twin cross-entropy.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(V)) 2^-23 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> logits_NV: array<vec4f>; // [N,V] logits of each row, in packs
@group(0) @binding(1) var<storage, read> targets_N: array<u32>; // [N] class of each row, < V, or IGNORED
@group(0) @binding(2) var<storage, read_write> loss_N: array<f32>; // [N] loss of each row
@group(0) @binding(3) var<storage, read_write> lse_N: array<f32>; // [N] log of the sum of exponentials
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override V: u32;
alias Pack = vec4f;
override PACKS: u32 = V / 4u; // of a row
// -1 as u32: a row that counts nothing.
const IGNORED = 0xffffffffu;
// Less than every logit, but no infinity: the difference of two is no number.
const LEAST = -1e30;

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return (x.x + x.y) + (x.z + x.w);
}

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

fn largest_of(x: Pack) -> f32 {
  return max(max(x.x, x.y), max(x.z, x.w));
}

fn logit(row: u32, id: u32) -> f32 {
  return logits_NV[(row * V + id) / 4u][id % 4u];
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Uniform in the workgroup, so the barriers below stay legal.
  let row = index;
  if (row >= N) {
    return;
  }
  let first = lane;
  let start = row * PACKS;
  var largest = LEAST;
  var sum = 0.0;
  for (var i = first; i < PACKS; i += WG) {
    let x = logits_NV[start + i];
    let larger = max(largest, largest_of(x));
    sum = sum * exp(largest - larger) + total(exp(x - larger));
    largest = larger;
  }
  let maximum = row_max(largest, lane);
  sum *= exp(largest - maximum);
  let lse = maximum + log(row_sum(sum, lane));
  if (first != 0u) {
    return;
  }
  lse_N[row] = lse;
  let target_id = targets_N[row];
  if (target_id == IGNORED) {
    loss_N[row] = 0.0;
  } else {
    loss_N[row] = lse - logit(row, target_id);
  }
}
`,
  cross_entropy_forward_long_odd: `// cross_entropy_forward_long_odd — loss = lse - logit of the target, lse = log(sum exp(logits)), per row; ignored rows lose 0
// Shapes:   logits[N,V] targets[N] -> loss[N] lse[N]
// Dispatch: one workgroup of WG invocations per row; needs: f32 only
// Method:   nothing is held: maximum and sum of exponentials in one pass, the sum scaled as the maximum grows
// Source:   Milakov & Gimelshein 2018 (arXiv:1805.02867); OneFlow 0.9 softmax.cuh; CPU twin cross-entropy.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(V)) 2^-23 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> logits_NV: array<f32>; // [N,V] logits of each row, in packs
@group(0) @binding(1) var<storage, read> targets_N: array<u32>; // [N] class of each row, < V, or IGNORED
@group(0) @binding(2) var<storage, read_write> loss_N: array<f32>; // [N] loss of each row
@group(0) @binding(3) var<storage, read_write> lse_N: array<f32>; // [N] log of the sum of exponentials
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override V: u32;
alias Pack = f32;
override PACKS: u32 = V / 1u; // of a row
// -1 as u32: a row that counts nothing.
const IGNORED = 0xffffffffu;
// Less than every logit, but no infinity: the difference of two is no number.
const LEAST = -1e30;

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return x;
}

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

fn largest_of(x: Pack) -> f32 {
  return x;
}

fn logit(row: u32, id: u32) -> f32 {
  return logits_NV[row * V + id];
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Uniform in the workgroup, so the barriers below stay legal.
  let row = index;
  if (row >= N) {
    return;
  }
  let first = lane;
  let start = row * PACKS;
  var largest = LEAST;
  var sum = 0.0;
  for (var i = first; i < PACKS; i += WG) {
    let x = logits_NV[start + i];
    let larger = max(largest, largest_of(x));
    sum = sum * exp(largest - larger) + total(exp(x - larger));
    largest = larger;
  }
  let maximum = row_max(largest, lane);
  sum *= exp(largest - maximum);
  let lse = maximum + log(row_sum(sum, lane));
  if (first != 0u) {
    return;
  }
  lse_N[row] = lse;
  let target_id = targets_N[row];
  if (target_id == IGNORED) {
    loss_N[row] = 0.0;
  } else {
    loss_N[row] = lse - logit(row, target_id);
  }
}
`,
  cross_entropy_forward_middle: `// cross_entropy_forward_middle — loss = lse - logit of the target, lse = log(sum exp(logits)), per row; ignored rows lose 0
// Shapes:   logits[N,V] targets[N] -> loss[N] lse[N]
// Dispatch: one workgroup of WG invocations per row; needs: 4 V bytes of workgroup memory
// Method:   a row is held in workgroup memory: maximum, then the sum of exponentials
// Source:   Milakov & Gimelshein 2018 (arXiv:1805.02867); OneFlow 0.9 softmax.cuh; CPU twin cross-entropy.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(V)) 2^-23 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> logits_NV: array<vec4f>; // [N,V] logits of each row, in packs
@group(0) @binding(1) var<storage, read> targets_N: array<u32>; // [N] class of each row, < V, or IGNORED
@group(0) @binding(2) var<storage, read_write> loss_N: array<f32>; // [N] loss of each row
@group(0) @binding(3) var<storage, read_write> lse_N: array<f32>; // [N] log of the sum of exponentials
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override V: u32;
alias Pack = vec4f;
override PACKS: u32 = V / 4u; // of a row
// -1 as u32: a row that counts nothing.
const IGNORED = 0xffffffffu;
// Less than every logit, but no infinity: the difference of two is no number.
const LEAST = -1e30;
var<workgroup> kept: array<Pack, PACKS>;

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return (x.x + x.y) + (x.z + x.w);
}

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

fn largest_of(x: Pack) -> f32 {
  return max(max(x.x, x.y), max(x.z, x.w));
}

fn logit(row: u32, id: u32) -> f32 {
  return logits_NV[(row * V + id) / 4u][id % 4u];
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Uniform in the workgroup, so the barriers below stay legal.
  let row = index;
  if (row >= N) {
    return;
  }
  let first = lane;
  let start = row * PACKS;
  var largest = LEAST;
  var sum = 0.0;
  for (var i = first; i < PACKS; i += WG) {
    let x = logits_NV[start + i];
    kept[i] = x;
    largest = max(largest, largest_of(x));
  }
  let maximum = row_max(largest, lane);
  for (var i = first; i < PACKS; i += WG) {
    sum += total(exp(kept[i] - maximum));
  }
  let lse = maximum + log(row_sum(sum, lane));
  if (first != 0u) {
    return;
  }
  lse_N[row] = lse;
  let target_id = targets_N[row];
  if (target_id == IGNORED) {
    loss_N[row] = 0.0;
  } else {
    loss_N[row] = lse - logit(row, target_id);
  }
}
`,
  cross_entropy_forward_middle_odd: `// cross_entropy_forward_middle_odd — loss = lse - logit of the target, lse = log(sum exp(logits)), per row; ignored rows lose 0
// Shapes:   logits[N,V] targets[N] -> loss[N] lse[N]
// Dispatch: one workgroup of WG invocations per row; needs: 4 V bytes of workgroup memory
// Method:   a row is held in workgroup memory: maximum, then the sum of exponentials
// Source:   Milakov & Gimelshein 2018 (arXiv:1805.02867); OneFlow 0.9 softmax.cuh; CPU twin cross-entropy.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(V)) 2^-23 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> logits_NV: array<f32>; // [N,V] logits of each row, in packs
@group(0) @binding(1) var<storage, read> targets_N: array<u32>; // [N] class of each row, < V, or IGNORED
@group(0) @binding(2) var<storage, read_write> loss_N: array<f32>; // [N] loss of each row
@group(0) @binding(3) var<storage, read_write> lse_N: array<f32>; // [N] log of the sum of exponentials
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override V: u32;
alias Pack = f32;
override PACKS: u32 = V / 1u; // of a row
// -1 as u32: a row that counts nothing.
const IGNORED = 0xffffffffu;
// Less than every logit, but no infinity: the difference of two is no number.
const LEAST = -1e30;
var<workgroup> kept: array<Pack, PACKS>;

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return x;
}

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

fn largest_of(x: Pack) -> f32 {
  return x;
}

fn logit(row: u32, id: u32) -> f32 {
  return logits_NV[row * V + id];
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Uniform in the workgroup, so the barriers below stay legal.
  let row = index;
  if (row >= N) {
    return;
  }
  let first = lane;
  let start = row * PACKS;
  var largest = LEAST;
  var sum = 0.0;
  for (var i = first; i < PACKS; i += WG) {
    let x = logits_NV[start + i];
    kept[i] = x;
    largest = max(largest, largest_of(x));
  }
  let maximum = row_max(largest, lane);
  for (var i = first; i < PACKS; i += WG) {
    sum += total(exp(kept[i] - maximum));
  }
  let lse = maximum + log(row_sum(sum, lane));
  if (first != 0u) {
    return;
  }
  lse_N[row] = lse;
  let target_id = targets_N[row];
  if (target_id == IGNORED) {
    loss_N[row] = 0.0;
  } else {
    loss_N[row] = lse - logit(row, target_id);
  }
}
`,
  cross_entropy_forward_short: `// cross_entropy_forward_short — loss = lse - logit of the target, lse = log(sum exp(logits)), per row; ignored rows lose 0
// Shapes:   logits[N,V] targets[N] -> loss[N] lse[N]
// Dispatch: R lanes of a subgroup per row, WG / R rows per workgroup; needs: subgroups of R lanes at least
// Method:   a row is held in registers, K packs by each of its lanes: maximum, then the sum of exponentials
// Source:   Milakov & Gimelshein 2018 (arXiv:1805.02867); OneFlow 0.9 softmax.cuh; CPU twin cross-entropy.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(V)) 2^-23 of the largest entry vs f64
enable subgroups;
@group(0) @binding(0) var<storage, read> logits_NV: array<vec4f>; // [N,V] logits of each row, in packs
@group(0) @binding(1) var<storage, read> targets_N: array<u32>; // [N] class of each row, < V, or IGNORED
@group(0) @binding(2) var<storage, read_write> loss_N: array<f32>; // [N] loss of each row
@group(0) @binding(3) var<storage, read_write> lse_N: array<f32>; // [N] log of the sum of exponentials
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override V: u32;
override R: u32; // lanes of a row, a power of two
override K: u32; // packs of a lane, 8 at most
alias Pack = vec4f;
override PACKS: u32 = V / 4u; // of a row
// -1 as u32: a row that counts nothing.
const IGNORED = 0xffffffffu;
// Less than every logit, but no infinity: the difference of two is no number.
const LEAST = -1e30;

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return (x.x + x.y) + (x.z + x.w);
}

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

fn largest_of(x: Pack) -> f32 {
  return max(max(x.x, x.y), max(x.z, x.w));
}

fn logit(row: u32, id: u32) -> f32 {
  return logits_NV[(row * V + id) / 4u][id % 4u];
}

fn load(start: u32, i: u32) -> Pack {
  if (i < PACKS) {
    return logits_NV[start + i];
  }
  // Adds nothing to the sum of exponentials.
  return Pack(LEAST);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Lanes of rows beyond the last one work on that again, since shuffles need them, and store nothing.
  let own_row = index * (WG / R) + lane / R;
  let row = min(own_row, N - 1u);
  let first = lane % R;
  let start = row * PACKS;
  var largest = LEAST;
  var sum = 0.0;
  var x0 = Pack(LEAST);
  var x1 = Pack(LEAST);
  var x2 = Pack(LEAST);
  var x3 = Pack(LEAST);
  var x4 = Pack(LEAST);
  var x5 = Pack(LEAST);
  var x6 = Pack(LEAST);
  var x7 = Pack(LEAST);
  if (0u < K) { x0 = load(start, first + 0u * R); largest = max(largest, largest_of(x0)); }
  if (1u < K) { x1 = load(start, first + 1u * R); largest = max(largest, largest_of(x1)); }
  if (2u < K) { x2 = load(start, first + 2u * R); largest = max(largest, largest_of(x2)); }
  if (3u < K) { x3 = load(start, first + 3u * R); largest = max(largest, largest_of(x3)); }
  if (4u < K) { x4 = load(start, first + 4u * R); largest = max(largest, largest_of(x4)); }
  if (5u < K) { x5 = load(start, first + 5u * R); largest = max(largest, largest_of(x5)); }
  if (6u < K) { x6 = load(start, first + 6u * R); largest = max(largest, largest_of(x6)); }
  if (7u < K) { x7 = load(start, first + 7u * R); largest = max(largest, largest_of(x7)); }
  let maximum = row_max(largest, lane);
  if (0u < K) { sum += total(exp(x0 - maximum)); }
  if (1u < K) { sum += total(exp(x1 - maximum)); }
  if (2u < K) { sum += total(exp(x2 - maximum)); }
  if (3u < K) { sum += total(exp(x3 - maximum)); }
  if (4u < K) { sum += total(exp(x4 - maximum)); }
  if (5u < K) { sum += total(exp(x5 - maximum)); }
  if (6u < K) { sum += total(exp(x6 - maximum)); }
  if (7u < K) { sum += total(exp(x7 - maximum)); }
  let lse = maximum + log(row_sum(sum, lane));
  if (own_row >= N) {
    return;
  }
  if (first != 0u) {
    return;
  }
  lse_N[row] = lse;
  let target_id = targets_N[row];
  if (target_id == IGNORED) {
    loss_N[row] = 0.0;
  } else {
    loss_N[row] = lse - logit(row, target_id);
  }
}
`,
  cross_entropy_forward_short_odd: `// cross_entropy_forward_short_odd — loss = lse - logit of the target, lse = log(sum exp(logits)), per row; ignored rows lose 0
// Shapes:   logits[N,V] targets[N] -> loss[N] lse[N]
// Dispatch: R lanes of a subgroup per row, WG / R rows per workgroup; needs: subgroups of R lanes at least
// Method:   a row is held in registers, K packs by each of its lanes: maximum, then the sum of exponentials
// Source:   Milakov & Gimelshein 2018 (arXiv:1805.02867); OneFlow 0.9 softmax.cuh; CPU twin cross-entropy.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(V)) 2^-23 of the largest entry vs f64
enable subgroups;
@group(0) @binding(0) var<storage, read> logits_NV: array<f32>; // [N,V] logits of each row, in packs
@group(0) @binding(1) var<storage, read> targets_N: array<u32>; // [N] class of each row, < V, or IGNORED
@group(0) @binding(2) var<storage, read_write> loss_N: array<f32>; // [N] loss of each row
@group(0) @binding(3) var<storage, read_write> lse_N: array<f32>; // [N] log of the sum of exponentials
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override V: u32;
override R: u32; // lanes of a row, a power of two
override K: u32; // packs of a lane, 8 at most
alias Pack = f32;
override PACKS: u32 = V / 1u; // of a row
// -1 as u32: a row that counts nothing.
const IGNORED = 0xffffffffu;
// Less than every logit, but no infinity: the difference of two is no number.
const LEAST = -1e30;

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return x;
}

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

fn largest_of(x: Pack) -> f32 {
  return x;
}

fn logit(row: u32, id: u32) -> f32 {
  return logits_NV[row * V + id];
}

fn load(start: u32, i: u32) -> Pack {
  if (i < PACKS) {
    return logits_NV[start + i];
  }
  // Adds nothing to the sum of exponentials.
  return Pack(LEAST);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Lanes of rows beyond the last one work on that again, since shuffles need them, and store nothing.
  let own_row = index * (WG / R) + lane / R;
  let row = min(own_row, N - 1u);
  let first = lane % R;
  let start = row * PACKS;
  var largest = LEAST;
  var sum = 0.0;
  var x0 = Pack(LEAST);
  var x1 = Pack(LEAST);
  var x2 = Pack(LEAST);
  var x3 = Pack(LEAST);
  var x4 = Pack(LEAST);
  var x5 = Pack(LEAST);
  var x6 = Pack(LEAST);
  var x7 = Pack(LEAST);
  if (0u < K) { x0 = load(start, first + 0u * R); largest = max(largest, largest_of(x0)); }
  if (1u < K) { x1 = load(start, first + 1u * R); largest = max(largest, largest_of(x1)); }
  if (2u < K) { x2 = load(start, first + 2u * R); largest = max(largest, largest_of(x2)); }
  if (3u < K) { x3 = load(start, first + 3u * R); largest = max(largest, largest_of(x3)); }
  if (4u < K) { x4 = load(start, first + 4u * R); largest = max(largest, largest_of(x4)); }
  if (5u < K) { x5 = load(start, first + 5u * R); largest = max(largest, largest_of(x5)); }
  if (6u < K) { x6 = load(start, first + 6u * R); largest = max(largest, largest_of(x6)); }
  if (7u < K) { x7 = load(start, first + 7u * R); largest = max(largest, largest_of(x7)); }
  let maximum = row_max(largest, lane);
  if (0u < K) { sum += total(exp(x0 - maximum)); }
  if (1u < K) { sum += total(exp(x1 - maximum)); }
  if (2u < K) { sum += total(exp(x2 - maximum)); }
  if (3u < K) { sum += total(exp(x3 - maximum)); }
  if (4u < K) { sum += total(exp(x4 - maximum)); }
  if (5u < K) { sum += total(exp(x5 - maximum)); }
  if (6u < K) { sum += total(exp(x6 - maximum)); }
  if (7u < K) { sum += total(exp(x7 - maximum)); }
  let lse = maximum + log(row_sum(sum, lane));
  if (own_row >= N) {
    return;
  }
  if (first != 0u) {
    return;
  }
  lse_N[row] = lse;
  let target_id = targets_N[row];
  if (target_id == IGNORED) {
    loss_N[row] = 0.0;
  } else {
    loss_N[row] = lse - logit(row, target_id);
  }
}
`,
  cross_entropy_gradient: `// cross_entropy_gradient — logits become their gradient: (softmax - onehot) scale[0], for some of the classes
// Shapes:   targets[N] lse[N] scale[1] -> logits[N,V]          V classes, from FIRST on
// Dispatch: one invocation per element, WG threads in linear order; needs: f32 only
// Method:   softmax is exp(logit - lse), where lse is over all classes; in place
// Source:   derivative of cross entropy; CPU twin cross-entropy.cpu.ts
// Checked:  test/conformance.spec.ts, 5e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> targets_N: array<u32>; // [N] class of each row, or IGNORED
@group(0) @binding(1) var<storage, read> lse_N: array<f32>; // [N] log of the sum of exponentials
@group(0) @binding(2) var<storage, read> scale_1: array<f32>; // [1] gradient of every row's loss
@group(0) @binding(3) var<storage, read_write> logits_NV: array<f32>; // [N,V] logits, then their gradient
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override V: u32;
override FIRST: u32; // the class of the first column
const IGNORED = 0xffffffffu;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= N * V) {
    return;
  }
  let row = index / V;
  let softmax = exp(logits_NV[index] - lse_N[row]);
  let target_id = targets_N[row];
  let onehot = select(0.0, 1.0, FIRST + index % V == target_id);
  logits_NV[index] = select((softmax - onehot) * scale_1[0], 0.0, target_id == IGNORED);
}
`,
  dropout: `// dropout — y = x / (1 - p), or 0 with probability p (+ residual)
// Shapes:   x[B,T,C] residual[B,T,C] site[2] sequences[B,5] -> y[B,T,C]
// Dispatch: one invocation per four elements of a sequence, WG threads in linear order; needs: f32 only
// Method:   element e of a sequence is dropped if lane e % 4 of the Philox words of e / 4 is below THRESHOLD = p 2^32.
//           Key: seed xor site; counter: e / 4, sample, step. So the backward draws the bits of the forward again, and
//           they do not depend on which sequences share a micro-batch
// Source:   Srivastava et al. 2014 (JMLR 15, 1929), scaled in training; CPU twin dropout.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-7 of the largest entry vs f64; test/dropout.spec.ts, masks to the bit
@group(0) @binding(0) var<storage, read> x_BTC: array<f32>; // [B,T,C] values, or the gradient of y
@group(0) @binding(1) var<storage, read> residual_BTC: array<f32>; // [B,T,C] read only if RESIDUAL
@group(0) @binding(2) var<storage, read> site_2: array<u32>; // [2] what the numbers are for: low and high word
@group(0) @binding(3) var<storage, read> sequences_B5: array<u32>; // [B,5] seed (low, high), step, sample (low, high)
@group(0) @binding(4) var<storage, read_write> y_BTC: array<f32>; // [B,T,C] what is left (+ residual)
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override B: u32;
override T: u32;
override C: u32;
override THRESHOLD: u32;
override SCALE: f32;
override RESIDUAL: u32;

// philox.include — Philox 4x32: four random words of a counter under a key, the same anywhere and in any order
// Method:   counter-based: each round multiplies two words of the counter and mixes the key into the high halves
// Source:   Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011); libs/core has the same
// Checked:  test/philox.spec.ts, known answers of Random123, to the bit
const PHILOX_M0 = 0xd2511f53u;
const PHILOX_M1 = 0xcd9e8d57u;
const PHILOX_W = vec2u(0x9e3779b9u, 0xbb67ae85u);

// WGSL has no high half of a product: it is put together from products of 16-bit halves, none of which overflows.
fn multiply_high(a: u32, b: u32) -> u32 {
  let a_low = a & 0xffffu;
  let a_high = a >> 16u;
  let b_low = b & 0xffffu;
  let b_high = b >> 16u;
  let middle = a_high * b_low + ((a_low * b_low) >> 16u);
  let cross = a_low * b_high + (middle & 0xffffu);
  return a_high * b_high + (middle >> 16u) + (cross >> 16u);
}

// Philox 4x32-10 has 10 rounds, which the caller multiplies by groups.z: compilers unroll a loop of known length.
fn philox4x32(counter: vec4u, key: vec2u, rounds: u32) -> vec4u {
  var c = counter;
  var k = key;
  for (var round = 0u; round < rounds; round++) {
    let high0 = multiply_high(PHILOX_M0, c.x);
    let high1 = multiply_high(PHILOX_M1, c.z);
    c = vec4u(high1 ^ c.y ^ k.x, PHILOX_M1 * c.z, high0 ^ c.w ^ k.y, PHILOX_M0 * c.x);
    k += PHILOX_W;
  }
  return c;
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  let length = T * C;
  let block_count = (length + 3u) / 4u;
  if (index >= B * block_count) {
    return;
  }
  let sequence = index / block_count;
  let block = index % block_count;
  let row = 5u * sequence;
  let key = vec2u(sequences_B5[row] ^ site_2[0], sequences_B5[row + 1u] ^ site_2[1]);
  let counter = vec4u(block, sequences_B5[row + 3u], sequences_B5[row + 2u], sequences_B5[row + 4u]);
  var words = philox4x32(counter, key, 10u * groups.z);
  let begin = sequence * length + 4u * block;
  let end = min(begin + 4u, (sequence + 1u) * length);
  for (var element = begin; element < end; element++) {
    var y = select(SCALE * x_BTC[element], 0.0, words.x < THRESHOLD);
    if (RESIDUAL == 1u) {
      y += residual_BTC[element];
    }
    y_BTC[element] = y;
    words = words.yzwx;
  }
}
`,
  embedding_backward_position: `// embedding_backward_position — dwpe[t] = sum over b of dy[b,t] (+ dwpe[t])
// Shapes:   dy[B,T,C] -> dwpe[T,C]
// Dispatch: one invocation per element of dwpe, WG threads in linear order; needs: f32 only
// Method:   b in ascending order, so the result does not depend on the launch
// Source:   derivative of a broadcast; CPU twin embedding.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
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
`,
  embedding_backward_token: `// embedding_backward_token — dwte[v] = sum of dy over the rows whose token is FIRST + v (+ dwte[v])
// Shapes:   tokens[N] order[N] dy[B,T,C] -> dwte[V,C]          dy has the positions from FIRST_ROW on
// Dispatch: one invocation per element of dwte, WG threads in linear order; needs: f32 only
// Method:   every invocation scans all tokens in ascending position: no atomics, a fixed order of addition
// Source:   derivative of a gather; CPU twin embedding.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> tokens_N: array<u32>; // [N] token ids
@group(0) @binding(1) var<storage, read> order_N: array<u32>; // [N] never read
@group(0) @binding(2) var<storage, read> dy_BTC: array<f32>; // [B,T,C] gradient of the output
@group(0) @binding(3) var<storage, read_write> dwte_VC: array<f32>; // [V,C] read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override B: u32;
override T: u32;
override C: u32;
override V: u32;
override FIRST: u32; // the token of the first row of dwte
override FIRST_ROW: u32; // the position of the first row of dy
override ACCUMULATE: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= V * C) {
    return;
  }
  let token = FIRST + index / C;
  let column = index % C;
  var sum = 0.0;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let row_end = B * T * groups.z;
  for (var row = 0u; row < row_end; row++) {
    if (tokens_N[FIRST_ROW + row] == token) {
      sum += dy_BTC[row * C + column];
    }
  }
  if (ACCUMULATE == 1u) {
    sum += dwte_VC[index];
  }
  dwte_VC[index] = sum;
}
`,
  embedding_backward_token_sorted: `// embedding_backward_token_sorted — dwte[v] += sum of dy over the rows whose token is FIRST + v
// Shapes:   tokens[N] order[N] dy[B,T,C] -> dwte[V,C]          dy has the positions from FIRST_ROW on
// Dispatch: one invocation per place in the order and column, WG threads in linear order; needs: f32 only
// Method:   the first place of a token's bucket adds the bucket's rows in ascending position; the others do nothing
// Source:   llm.c (f1e2ace) encoder.cuh, wte_backward_kernel: buckets, no atomics; CPU twin embedding.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64; test/token-buckets.spec.ts, naive bits
@group(0) @binding(0) var<storage, read> tokens_N: array<u32>; // [N] token ids
@group(0) @binding(1) var<storage, read> order_N: array<u32>; // [N] positions sorted by token, then by position
@group(0) @binding(2) var<storage, read> dy_BTC: array<f32>; // [B,T,C] gradient of the output
@group(0) @binding(3) var<storage, read_write> dwte_VC: array<f32>; // [V,C] what is added to
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override B: u32;
override T: u32;
override N: u32;
override C: u32;
override V: u32;
override FIRST: u32; // the token of the first row of dwte
override FIRST_ROW: u32; // the position of the first row of dy

fn token_at(place: u32) -> u32 {
  return tokens_N[order_N[place]];
}

/// The place behind the bucket: found by doubling and halving, so that additions need not wait for comparisons.
fn bucket_end(start: u32, token: u32) -> u32 {
  var inside = start;
  var outside = start + 1u;
  while (outside < N && token_at(outside) == token) {
    inside = outside;
    outside = start + 2u * (outside - start);
  }
  outside = min(outside, N);
  while (outside - inside > 1u) {
    let middle = inside + (outside - inside) / 2u;
    if (token_at(middle) == token) {
      inside = middle;
    } else {
      outside = middle;
    }
  }
  return outside;
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= N * C) {
    return;
  }
  let start = index / C;
  let column = index % C;
  let token = token_at(start);
  // Tokens before FIRST wrap around, and are beyond V too.
  if (token - FIRST >= V || (start > 0u && token_at(start - 1u) == token)) {
    return;
  }
  let end = bucket_end(start, token);
  var sum = 0.0;
  for (var place = start; place < end; place++) {
    let row = order_N[place] - FIRST_ROW;
    if (row < B * T) {
      sum += dy_BTC[row * C + column];
    }
  }
  let to = (token - FIRST) * C + column;
  dwte_VC[to] = sum + dwte_VC[to];
}
`,
  embedding_forward: `// embedding_forward — y = wte[token - FIRST] + wpe[position], for tokens that wte has
// Shapes:   tokens[B,T] wte[V,C] wpe[T,C] -> y[B,T,C]
// Dispatch: one invocation per element of y, WG threads in linear order; needs: f32 only
// Method:   gather and add
// Source:   Radford et al. 2019 (GPT-2), section 2.3; CPU twin embedding.cpu.ts
// Checked:  test/conformance.spec.ts, 1e-7 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> tokens_BT: array<u32>; // [B,T] token ids
@group(0) @binding(1) var<storage, read> wte_VC: array<f32>; // [V,C] token embedding, or some rows of it
@group(0) @binding(2) var<storage, read> wpe_TC: array<f32>; // [T,C] position embedding (its first T rows)
@group(0) @binding(3) var<storage, read_write> y_BTC: array<f32>; // [B,T,C] sum of both
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override B: u32;
override T: u32;
override C: u32;
override V: u32;
override FIRST: u32; // the token of the first row of wte

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= B * T * C) {
    return;
  }
  let row = index / C;
  let column = index % C;
  // Tokens before FIRST wrap around, and are beyond V too.
  let token = tokens_BT[row] - FIRST;
  if (token >= V) {
    return;
  }
  y_BTC[index] = wte_VC[token * C + column] + wpe_TC[(row % T) * C + column];
}
`,
  embedding_forward_token: `// embedding_forward_token — y = wte[token - FIRST], for tokens that wte has
// Shapes:   tokens[B,T] wte[V,C] -> y[B,T,C]
// Dispatch: one invocation per element of y, WG threads in linear order; needs: f32 only
// Method:   gather
// Source:   Touvron et al. 2023 (arXiv:2302.13971): positions enter in attention; CPU twin embedding.cpu.ts
// Checked:  test/conformance.spec.ts, 1e-7 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> tokens_BT: array<u32>; // [B,T] token ids
@group(0) @binding(1) var<storage, read> wte_VC: array<f32>; // [V,C] token embedding, or some rows of it
@group(0) @binding(2) var<storage, read_write> y_BTC: array<f32>; // [B,T,C] its rows
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override B: u32;
override T: u32;
override C: u32;
override V: u32;
override FIRST: u32; // the token of the first row of wte

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= B * T * C) {
    return;
  }
  // Tokens before FIRST wrap around, and are beyond V too.
  let token = tokens_BT[index / C] - FIRST;
  if (token >= V) {
    return;
  }
  y_BTC[index] = wte_VC[token * C + index % C];
}
`,
  gelu_backward: `// gelu_backward — dx = dy ((1 + t)/2 + x/2 (1 - t²) u'), t = tanh(u), u = sqrt(2/pi) (x + 0.044715 x³)
// Shapes:   x[L] dy[L] -> dx[L]
// Dispatch: one invocation per element, WG threads in linear order; needs: f32 only
// Method:   tanh recomputed from x, its argument clamped to ±10 as in the forward
// Source:   derivative of Hendrycks & Gimpel 2016 (arXiv:1606.08415), section 2; CPU twin gelu.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> x_L: array<f32>; // [L] input of the forward
@group(0) @binding(1) var<storage, read> dy_L: array<f32>; // [L] gradient of the output
@group(0) @binding(2) var<storage, read_write> dx_L: array<f32>; // [L] gradient of the input
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override L: u32;
const SQRT_2_OVER_PI = 0.7978845608028654;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= L) {
    return;
  }
  let x = x_L[index];
  let t = tanh(clamp(SQRT_2_OVER_PI * (x + 0.044715 * x * x * x), -10.0, 10.0));
  let slope = SQRT_2_OVER_PI * (1.0 + 3.0 * 0.044715 * x * x);
  // 1 - t² is 0 wherever the clamp acts, and x² may overflow there: select keeps 0 * inf out of the result.
  let bend = select(0.5 * x * (1.0 - t * t) * slope, 0.0, abs(x) > 100.0);
  dx_L[index] = dy_L[index] * (0.5 * (1.0 + t) + bend);
}
`,
  gelu_forward: `// gelu_forward — y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x³)))
// Shapes:   x[L] -> y[L]
// Dispatch: one invocation per element, WG threads in linear order; needs: f32 only
// Method:   tanh's argument is clamped to ±10, where tanh is 1 in f32: some CPU drivers answer NaN for large ones
// Source:   Hendrycks & Gimpel 2016 (arXiv:1606.08415), section 2; CPU twin gelu.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> x_L: array<f32>; // [L] input
@group(0) @binding(1) var<storage, read_write> y_L: array<f32>; // [L] output
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override L: u32;
const SQRT_2_OVER_PI = 0.7978845608028654;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= L) {
    return;
  }
  let x = x_L[index];
  let t = tanh(clamp(SQRT_2_OVER_PI * (x + 0.044715 * x * x * x), -10.0, 10.0));
  y_L[index] = 0.5 * x * (1.0 + t);
}
`,
  layernorm_backward_input: `// layernorm_backward_input — dx = rstd (g - mean(g) - n mean(g n)) (+ residual), g = dy * weight, n = (x - mean) rstd
// Shapes:   dy[N,C] x[N,C] weight[C] mean[N] rstd[N] residual[N,C] -> dx[N,C]
// Dispatch: one invocation per row, WG threads; needs: f32 only
// Method:   one pass for the two row means, one for the output
// Source:   derivative of Ba et al. 2016 (arXiv:1607.06450) eq. 3; CPU twin layernorm.cpu.ts
// Checked:  test/conformance.spec.ts, 5e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> dy_NC: array<f32>; // [N,C] gradient of the output
@group(0) @binding(1) var<storage, read> x_NC: array<f32>; // [N,C] input of the forward
@group(0) @binding(2) var<storage, read> weight_C: array<f32>; // [C] scale
@group(0) @binding(3) var<storage, read> mean_N: array<f32>; // [N] row means
@group(0) @binding(4) var<storage, read> rstd_N: array<f32>; // [N] 1 / sqrt(variance + eps)
@group(0) @binding(5) var<storage, read> residual_NC: array<f32>; // [N,C] read only if RESIDUAL
@group(0) @binding(6) var<storage, read_write> dx_NC: array<f32>; // [N,C] gradient of the input
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override RESIDUAL: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (row >= N) {
    return;
  }
  let start = row * C;
  let mean = mean_N[row];
  let rstd = rstd_N[row];
  var sum_g = 0.0;
  var sum_gn = 0.0;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let i_end = C * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let g = dy_NC[start + i] * weight_C[i];
    sum_g += g;
    sum_gn += g * ((x_NC[start + i] - mean) * rstd);
  }
  let mean_g = sum_g / f32(C);
  let mean_gn = sum_gn / f32(C);
  for (var i = 0u; i < i_end; i++) {
    let g = dy_NC[start + i] * weight_C[i];
    var dx = rstd * (g - mean_g - (x_NC[start + i] - mean) * rstd * mean_gn);
    if (RESIDUAL == 1u) {
      dx += residual_NC[start + i];
    }
    dx_NC[start + i] = dx;
  }
}
`,
  layernorm_backward_input_long: `// layernorm_backward_input_long — dx = rstd (g - mean(g) - n mean(g n)) (+ residual), g = dy * weight, n = (x - mean) rstd
// Shapes:   dy[N,C] x[N,C] weight[C] mean[N] rstd[N] residual[N,C] -> dx[N,C]
// Dispatch: one workgroup of WG invocations per row; needs: f32 only
// Method:   nothing is held: dy, x and weight read twice
// Source:   derivative of Ba et al. 2016 (arXiv:1607.06450) eq. 3; CPU twin layernorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(C)) 2^-23 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> dy_NC: array<vec4f>; // [N,C] gradient of the output, in packs as all below
@group(0) @binding(1) var<storage, read> x_NC: array<vec4f>; // [N,C] input of the forward
@group(0) @binding(2) var<storage, read> weight_C: array<vec4f>; // [C] scale
@group(0) @binding(3) var<storage, read> mean_N: array<f32>; // [N] row means
@group(0) @binding(4) var<storage, read> rstd_N: array<f32>; // [N] 1 / sqrt(variance + eps)
@group(0) @binding(5) var<storage, read> residual_NC: array<vec4f>; // [N,C] read only if RESIDUAL
@group(0) @binding(6) var<storage, read_write> dx_NC: array<vec4f>; // [N,C] gradient of the input
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override RESIDUAL: u32;
alias Pack = vec4f;
override PACKS: u32 = C / 4u; // of a row

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return (x.x + x.y) + (x.z + x.w);
}

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

fn store(start: u32, i: u32, dx: Pack) {
  if (i < PACKS && RESIDUAL == 1u) {
    dx_NC[start + i] = dx + residual_NC[start + i];
  } else if (i < PACKS) {
    dx_NC[start + i] = dx;
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Uniform in the workgroup, so the barriers below stay legal.
  let row = index;
  if (row >= N) {
    return;
  }
  let first = lane;
  let start = row * PACKS;
  let mean = mean_N[row];
  let rstd = rstd_N[row];
  var sums_g = Pack();
  var sums_gn = Pack();
  for (var i = first; i < PACKS; i += WG) {
    let g = dy_NC[start + i] * weight_C[i];
    let n = (x_NC[start + i] - mean) * rstd;
    sums_g += g;
    sums_gn += g * n;
  }
  let mean_g = row_sum(total(sums_g), lane) / f32(C);
  let mean_gn = row_sum(total(sums_gn), lane) / f32(C);
  for (var i = first; i < PACKS; i += WG) {
    let g = dy_NC[start + i] * weight_C[i];
    let n = (x_NC[start + i] - mean) * rstd;
    store(start, i, rstd * (g - mean_g - n * mean_gn));
  }
}
`,
  layernorm_backward_input_long_odd: `// layernorm_backward_input_long_odd — dx = rstd (g - mean(g) - n mean(g n)) (+ residual), g = dy * weight, n = (x - mean) rstd
// Shapes:   dy[N,C] x[N,C] weight[C] mean[N] rstd[N] residual[N,C] -> dx[N,C]
// Dispatch: one workgroup of WG invocations per row; needs: f32 only
// Method:   nothing is held: dy, x and weight read twice
// Source:   derivative of Ba et al. 2016 (arXiv:1607.06450) eq. 3; CPU twin layernorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(C)) 2^-23 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> dy_NC: array<f32>; // [N,C] gradient of the output, in packs as all below
@group(0) @binding(1) var<storage, read> x_NC: array<f32>; // [N,C] input of the forward
@group(0) @binding(2) var<storage, read> weight_C: array<f32>; // [C] scale
@group(0) @binding(3) var<storage, read> mean_N: array<f32>; // [N] row means
@group(0) @binding(4) var<storage, read> rstd_N: array<f32>; // [N] 1 / sqrt(variance + eps)
@group(0) @binding(5) var<storage, read> residual_NC: array<f32>; // [N,C] read only if RESIDUAL
@group(0) @binding(6) var<storage, read_write> dx_NC: array<f32>; // [N,C] gradient of the input
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override RESIDUAL: u32;
alias Pack = f32;
override PACKS: u32 = C / 1u; // of a row

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return x;
}

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

fn store(start: u32, i: u32, dx: Pack) {
  if (i < PACKS && RESIDUAL == 1u) {
    dx_NC[start + i] = dx + residual_NC[start + i];
  } else if (i < PACKS) {
    dx_NC[start + i] = dx;
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Uniform in the workgroup, so the barriers below stay legal.
  let row = index;
  if (row >= N) {
    return;
  }
  let first = lane;
  let start = row * PACKS;
  let mean = mean_N[row];
  let rstd = rstd_N[row];
  var sums_g = Pack();
  var sums_gn = Pack();
  for (var i = first; i < PACKS; i += WG) {
    let g = dy_NC[start + i] * weight_C[i];
    let n = (x_NC[start + i] - mean) * rstd;
    sums_g += g;
    sums_gn += g * n;
  }
  let mean_g = row_sum(total(sums_g), lane) / f32(C);
  let mean_gn = row_sum(total(sums_gn), lane) / f32(C);
  for (var i = first; i < PACKS; i += WG) {
    let g = dy_NC[start + i] * weight_C[i];
    let n = (x_NC[start + i] - mean) * rstd;
    store(start, i, rstd * (g - mean_g - n * mean_gn));
  }
}
`,
  layernorm_backward_input_middle: `// layernorm_backward_input_middle — dx = rstd (g - mean(g) - n mean(g n)) (+ residual), g = dy * weight, n = (x - mean) rstd
// Shapes:   dy[N,C] x[N,C] weight[C] mean[N] rstd[N] residual[N,C] -> dx[N,C]
// Dispatch: one workgroup of WG invocations per row; needs: 8 C bytes of workgroup memory
// Method:   g and n are held in workgroup memory
// Source:   derivative of Ba et al. 2016 (arXiv:1607.06450) eq. 3; CPU twin layernorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(C)) 2^-23 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> dy_NC: array<vec4f>; // [N,C] gradient of the output, in packs as all below
@group(0) @binding(1) var<storage, read> x_NC: array<vec4f>; // [N,C] input of the forward
@group(0) @binding(2) var<storage, read> weight_C: array<vec4f>; // [C] scale
@group(0) @binding(3) var<storage, read> mean_N: array<f32>; // [N] row means
@group(0) @binding(4) var<storage, read> rstd_N: array<f32>; // [N] 1 / sqrt(variance + eps)
@group(0) @binding(5) var<storage, read> residual_NC: array<vec4f>; // [N,C] read only if RESIDUAL
@group(0) @binding(6) var<storage, read_write> dx_NC: array<vec4f>; // [N,C] gradient of the input
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override RESIDUAL: u32;
alias Pack = vec4f;
override PACKS: u32 = C / 4u; // of a row
var<workgroup> kept_g: array<Pack, PACKS>;
var<workgroup> kept_n: array<Pack, PACKS>;

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return (x.x + x.y) + (x.z + x.w);
}

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

fn store(start: u32, i: u32, dx: Pack) {
  if (i < PACKS && RESIDUAL == 1u) {
    dx_NC[start + i] = dx + residual_NC[start + i];
  } else if (i < PACKS) {
    dx_NC[start + i] = dx;
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Uniform in the workgroup, so the barriers below stay legal.
  let row = index;
  if (row >= N) {
    return;
  }
  let first = lane;
  let start = row * PACKS;
  let mean = mean_N[row];
  let rstd = rstd_N[row];
  var sums_g = Pack();
  var sums_gn = Pack();
  for (var i = first; i < PACKS; i += WG) {
    let g = dy_NC[start + i] * weight_C[i];
    let n = (x_NC[start + i] - mean) * rstd;
    kept_g[i] = g;
    kept_n[i] = n;
    sums_g += g;
    sums_gn += g * n;
  }
  let mean_g = row_sum(total(sums_g), lane) / f32(C);
  let mean_gn = row_sum(total(sums_gn), lane) / f32(C);
  for (var i = first; i < PACKS; i += WG) {
    let g = kept_g[i];
    let n = kept_n[i];
    store(start, i, rstd * (g - mean_g - n * mean_gn));
  }
}
`,
  layernorm_backward_input_middle_odd: `// layernorm_backward_input_middle_odd — dx = rstd (g - mean(g) - n mean(g n)) (+ residual), g = dy * weight, n = (x - mean) rstd
// Shapes:   dy[N,C] x[N,C] weight[C] mean[N] rstd[N] residual[N,C] -> dx[N,C]
// Dispatch: one workgroup of WG invocations per row; needs: 8 C bytes of workgroup memory
// Method:   g and n are held in workgroup memory
// Source:   derivative of Ba et al. 2016 (arXiv:1607.06450) eq. 3; CPU twin layernorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(C)) 2^-23 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> dy_NC: array<f32>; // [N,C] gradient of the output, in packs as all below
@group(0) @binding(1) var<storage, read> x_NC: array<f32>; // [N,C] input of the forward
@group(0) @binding(2) var<storage, read> weight_C: array<f32>; // [C] scale
@group(0) @binding(3) var<storage, read> mean_N: array<f32>; // [N] row means
@group(0) @binding(4) var<storage, read> rstd_N: array<f32>; // [N] 1 / sqrt(variance + eps)
@group(0) @binding(5) var<storage, read> residual_NC: array<f32>; // [N,C] read only if RESIDUAL
@group(0) @binding(6) var<storage, read_write> dx_NC: array<f32>; // [N,C] gradient of the input
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override RESIDUAL: u32;
alias Pack = f32;
override PACKS: u32 = C / 1u; // of a row
var<workgroup> kept_g: array<Pack, PACKS>;
var<workgroup> kept_n: array<Pack, PACKS>;

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return x;
}

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

fn store(start: u32, i: u32, dx: Pack) {
  if (i < PACKS && RESIDUAL == 1u) {
    dx_NC[start + i] = dx + residual_NC[start + i];
  } else if (i < PACKS) {
    dx_NC[start + i] = dx;
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Uniform in the workgroup, so the barriers below stay legal.
  let row = index;
  if (row >= N) {
    return;
  }
  let first = lane;
  let start = row * PACKS;
  let mean = mean_N[row];
  let rstd = rstd_N[row];
  var sums_g = Pack();
  var sums_gn = Pack();
  for (var i = first; i < PACKS; i += WG) {
    let g = dy_NC[start + i] * weight_C[i];
    let n = (x_NC[start + i] - mean) * rstd;
    kept_g[i] = g;
    kept_n[i] = n;
    sums_g += g;
    sums_gn += g * n;
  }
  let mean_g = row_sum(total(sums_g), lane) / f32(C);
  let mean_gn = row_sum(total(sums_gn), lane) / f32(C);
  for (var i = first; i < PACKS; i += WG) {
    let g = kept_g[i];
    let n = kept_n[i];
    store(start, i, rstd * (g - mean_g - n * mean_gn));
  }
}
`,
  layernorm_backward_input_short: `// layernorm_backward_input_short — dx = rstd (g - mean(g) - n mean(g n)) (+ residual), g = dy * weight, n = (x - mean) rstd
// Shapes:   dy[N,C] x[N,C] weight[C] mean[N] rstd[N] residual[N,C] -> dx[N,C]
// Dispatch: R lanes of a subgroup per row, WG / R rows per workgroup; needs: subgroups of R lanes at least
// Method:   g and n are held in registers, K packs by each lane of the row
// Source:   derivative of Ba et al. 2016 (arXiv:1607.06450) eq. 3; CPU twin layernorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(C)) 2^-23 of the largest entry vs f64
enable subgroups;
@group(0) @binding(0) var<storage, read> dy_NC: array<vec4f>; // [N,C] gradient of the output, in packs as all below
@group(0) @binding(1) var<storage, read> x_NC: array<vec4f>; // [N,C] input of the forward
@group(0) @binding(2) var<storage, read> weight_C: array<vec4f>; // [C] scale
@group(0) @binding(3) var<storage, read> mean_N: array<f32>; // [N] row means
@group(0) @binding(4) var<storage, read> rstd_N: array<f32>; // [N] 1 / sqrt(variance + eps)
@group(0) @binding(5) var<storage, read> residual_NC: array<vec4f>; // [N,C] read only if RESIDUAL
@group(0) @binding(6) var<storage, read_write> dx_NC: array<vec4f>; // [N,C] gradient of the input
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override RESIDUAL: u32;
override R: u32; // lanes of a row, a power of two
override K: u32; // packs of a lane, 8 at most
alias Pack = vec4f;
override PACKS: u32 = C / 4u; // of a row

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return (x.x + x.y) + (x.z + x.w);
}

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

fn store(start: u32, i: u32, dx: Pack) {
  if (i < PACKS && RESIDUAL == 1u) {
    dx_NC[start + i] = dx + residual_NC[start + i];
  } else if (i < PACKS) {
    dx_NC[start + i] = dx;
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Lanes of rows beyond the last one work on that again, since shuffles need them, and store nothing.
  let own_row = index * (WG / R) + lane / R;
  let row = min(own_row, N - 1u);
  let first = lane % R;
  let start = row * PACKS;
  let mean = mean_N[row];
  let rstd = rstd_N[row];
  var sums_g = Pack();
  var sums_gn = Pack();
  var g0 = Pack();
  var n0 = Pack();
  var g1 = Pack();
  var n1 = Pack();
  var g2 = Pack();
  var n2 = Pack();
  var g3 = Pack();
  var n3 = Pack();
  var g4 = Pack();
  var n4 = Pack();
  var g5 = Pack();
  var n5 = Pack();
  var g6 = Pack();
  var n6 = Pack();
  var g7 = Pack();
  var n7 = Pack();
  if (0u < K && first + 0u * R < PACKS) {
    g0 = dy_NC[start + first + 0u * R] * weight_C[first + 0u * R];
    n0 = (x_NC[start + first + 0u * R] - mean) * rstd;
  }
  if (1u < K && first + 1u * R < PACKS) {
    g1 = dy_NC[start + first + 1u * R] * weight_C[first + 1u * R];
    n1 = (x_NC[start + first + 1u * R] - mean) * rstd;
  }
  if (2u < K && first + 2u * R < PACKS) {
    g2 = dy_NC[start + first + 2u * R] * weight_C[first + 2u * R];
    n2 = (x_NC[start + first + 2u * R] - mean) * rstd;
  }
  if (3u < K && first + 3u * R < PACKS) {
    g3 = dy_NC[start + first + 3u * R] * weight_C[first + 3u * R];
    n3 = (x_NC[start + first + 3u * R] - mean) * rstd;
  }
  if (4u < K && first + 4u * R < PACKS) {
    g4 = dy_NC[start + first + 4u * R] * weight_C[first + 4u * R];
    n4 = (x_NC[start + first + 4u * R] - mean) * rstd;
  }
  if (5u < K && first + 5u * R < PACKS) {
    g5 = dy_NC[start + first + 5u * R] * weight_C[first + 5u * R];
    n5 = (x_NC[start + first + 5u * R] - mean) * rstd;
  }
  if (6u < K && first + 6u * R < PACKS) {
    g6 = dy_NC[start + first + 6u * R] * weight_C[first + 6u * R];
    n6 = (x_NC[start + first + 6u * R] - mean) * rstd;
  }
  if (7u < K && first + 7u * R < PACKS) {
    g7 = dy_NC[start + first + 7u * R] * weight_C[first + 7u * R];
    n7 = (x_NC[start + first + 7u * R] - mean) * rstd;
  }
  if (0u < K) { sums_g += g0; sums_gn += g0 * n0; }
  if (1u < K) { sums_g += g1; sums_gn += g1 * n1; }
  if (2u < K) { sums_g += g2; sums_gn += g2 * n2; }
  if (3u < K) { sums_g += g3; sums_gn += g3 * n3; }
  if (4u < K) { sums_g += g4; sums_gn += g4 * n4; }
  if (5u < K) { sums_g += g5; sums_gn += g5 * n5; }
  if (6u < K) { sums_g += g6; sums_gn += g6 * n6; }
  if (7u < K) { sums_g += g7; sums_gn += g7 * n7; }
  let mean_g = row_sum(total(sums_g), lane) / f32(C);
  let mean_gn = row_sum(total(sums_gn), lane) / f32(C);
  if (own_row >= N) {
    return;
  }
  if (0u < K) { store(start, first + 0u * R, rstd * (g0 - mean_g - n0 * mean_gn)); }
  if (1u < K) { store(start, first + 1u * R, rstd * (g1 - mean_g - n1 * mean_gn)); }
  if (2u < K) { store(start, first + 2u * R, rstd * (g2 - mean_g - n2 * mean_gn)); }
  if (3u < K) { store(start, first + 3u * R, rstd * (g3 - mean_g - n3 * mean_gn)); }
  if (4u < K) { store(start, first + 4u * R, rstd * (g4 - mean_g - n4 * mean_gn)); }
  if (5u < K) { store(start, first + 5u * R, rstd * (g5 - mean_g - n5 * mean_gn)); }
  if (6u < K) { store(start, first + 6u * R, rstd * (g6 - mean_g - n6 * mean_gn)); }
  if (7u < K) { store(start, first + 7u * R, rstd * (g7 - mean_g - n7 * mean_gn)); }
}
`,
  layernorm_backward_input_short_odd: `// layernorm_backward_input_short_odd — dx = rstd (g - mean(g) - n mean(g n)) (+ residual), g = dy * weight, n = (x - mean) rstd
// Shapes:   dy[N,C] x[N,C] weight[C] mean[N] rstd[N] residual[N,C] -> dx[N,C]
// Dispatch: R lanes of a subgroup per row, WG / R rows per workgroup; needs: subgroups of R lanes at least
// Method:   g and n are held in registers, K packs by each lane of the row
// Source:   derivative of Ba et al. 2016 (arXiv:1607.06450) eq. 3; CPU twin layernorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(C)) 2^-23 of the largest entry vs f64
enable subgroups;
@group(0) @binding(0) var<storage, read> dy_NC: array<f32>; // [N,C] gradient of the output, in packs as all below
@group(0) @binding(1) var<storage, read> x_NC: array<f32>; // [N,C] input of the forward
@group(0) @binding(2) var<storage, read> weight_C: array<f32>; // [C] scale
@group(0) @binding(3) var<storage, read> mean_N: array<f32>; // [N] row means
@group(0) @binding(4) var<storage, read> rstd_N: array<f32>; // [N] 1 / sqrt(variance + eps)
@group(0) @binding(5) var<storage, read> residual_NC: array<f32>; // [N,C] read only if RESIDUAL
@group(0) @binding(6) var<storage, read_write> dx_NC: array<f32>; // [N,C] gradient of the input
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override RESIDUAL: u32;
override R: u32; // lanes of a row, a power of two
override K: u32; // packs of a lane, 8 at most
alias Pack = f32;
override PACKS: u32 = C / 1u; // of a row

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return x;
}

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

fn store(start: u32, i: u32, dx: Pack) {
  if (i < PACKS && RESIDUAL == 1u) {
    dx_NC[start + i] = dx + residual_NC[start + i];
  } else if (i < PACKS) {
    dx_NC[start + i] = dx;
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Lanes of rows beyond the last one work on that again, since shuffles need them, and store nothing.
  let own_row = index * (WG / R) + lane / R;
  let row = min(own_row, N - 1u);
  let first = lane % R;
  let start = row * PACKS;
  let mean = mean_N[row];
  let rstd = rstd_N[row];
  var sums_g = Pack();
  var sums_gn = Pack();
  var g0 = Pack();
  var n0 = Pack();
  var g1 = Pack();
  var n1 = Pack();
  var g2 = Pack();
  var n2 = Pack();
  var g3 = Pack();
  var n3 = Pack();
  var g4 = Pack();
  var n4 = Pack();
  var g5 = Pack();
  var n5 = Pack();
  var g6 = Pack();
  var n6 = Pack();
  var g7 = Pack();
  var n7 = Pack();
  if (0u < K && first + 0u * R < PACKS) {
    g0 = dy_NC[start + first + 0u * R] * weight_C[first + 0u * R];
    n0 = (x_NC[start + first + 0u * R] - mean) * rstd;
  }
  if (1u < K && first + 1u * R < PACKS) {
    g1 = dy_NC[start + first + 1u * R] * weight_C[first + 1u * R];
    n1 = (x_NC[start + first + 1u * R] - mean) * rstd;
  }
  if (2u < K && first + 2u * R < PACKS) {
    g2 = dy_NC[start + first + 2u * R] * weight_C[first + 2u * R];
    n2 = (x_NC[start + first + 2u * R] - mean) * rstd;
  }
  if (3u < K && first + 3u * R < PACKS) {
    g3 = dy_NC[start + first + 3u * R] * weight_C[first + 3u * R];
    n3 = (x_NC[start + first + 3u * R] - mean) * rstd;
  }
  if (4u < K && first + 4u * R < PACKS) {
    g4 = dy_NC[start + first + 4u * R] * weight_C[first + 4u * R];
    n4 = (x_NC[start + first + 4u * R] - mean) * rstd;
  }
  if (5u < K && first + 5u * R < PACKS) {
    g5 = dy_NC[start + first + 5u * R] * weight_C[first + 5u * R];
    n5 = (x_NC[start + first + 5u * R] - mean) * rstd;
  }
  if (6u < K && first + 6u * R < PACKS) {
    g6 = dy_NC[start + first + 6u * R] * weight_C[first + 6u * R];
    n6 = (x_NC[start + first + 6u * R] - mean) * rstd;
  }
  if (7u < K && first + 7u * R < PACKS) {
    g7 = dy_NC[start + first + 7u * R] * weight_C[first + 7u * R];
    n7 = (x_NC[start + first + 7u * R] - mean) * rstd;
  }
  if (0u < K) { sums_g += g0; sums_gn += g0 * n0; }
  if (1u < K) { sums_g += g1; sums_gn += g1 * n1; }
  if (2u < K) { sums_g += g2; sums_gn += g2 * n2; }
  if (3u < K) { sums_g += g3; sums_gn += g3 * n3; }
  if (4u < K) { sums_g += g4; sums_gn += g4 * n4; }
  if (5u < K) { sums_g += g5; sums_gn += g5 * n5; }
  if (6u < K) { sums_g += g6; sums_gn += g6 * n6; }
  if (7u < K) { sums_g += g7; sums_gn += g7 * n7; }
  let mean_g = row_sum(total(sums_g), lane) / f32(C);
  let mean_gn = row_sum(total(sums_gn), lane) / f32(C);
  if (own_row >= N) {
    return;
  }
  if (0u < K) { store(start, first + 0u * R, rstd * (g0 - mean_g - n0 * mean_gn)); }
  if (1u < K) { store(start, first + 1u * R, rstd * (g1 - mean_g - n1 * mean_gn)); }
  if (2u < K) { store(start, first + 2u * R, rstd * (g2 - mean_g - n2 * mean_gn)); }
  if (3u < K) { store(start, first + 3u * R, rstd * (g3 - mean_g - n3 * mean_gn)); }
  if (4u < K) { store(start, first + 4u * R, rstd * (g4 - mean_g - n4 * mean_gn)); }
  if (5u < K) { store(start, first + 5u * R, rstd * (g5 - mean_g - n5 * mean_gn)); }
  if (6u < K) { store(start, first + 6u * R, rstd * (g6 - mean_g - n6 * mean_gn)); }
  if (7u < K) { store(start, first + 7u * R, rstd * (g7 - mean_g - n7 * mean_gn)); }
}
`,
  layernorm_backward_weight: `// layernorm_backward_weight — dweight = Σ dy n (+ dweight), dbias = Σ dy (+ dbias) over rows, n = (x - mean) rstd
// Shapes:   dy[N,C] x[N,C] mean[N] rstd[N] -> dweight[C] dbias[C]
// Dispatch: one invocation per column, WG threads; needs: f32 only
// Method:   rows in ascending order, so the result does not depend on the launch
// Source:   derivative of Ba et al. 2016 (arXiv:1607.06450) eq. 3; CPU twin layernorm.cpu.ts
// Checked:  test/conformance.spec.ts, 5e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> dy_NC: array<f32>; // [N,C] gradient of the output
@group(0) @binding(1) var<storage, read> x_NC: array<f32>; // [N,C] input of the forward
@group(0) @binding(2) var<storage, read> mean_N: array<f32>; // [N] row means
@group(0) @binding(3) var<storage, read> rstd_N: array<f32>; // [N] 1 / sqrt(variance + eps)
@group(0) @binding(4) var<storage, read_write> dweight_C: array<f32>; // [C] read only if ACCUMULATE
@group(0) @binding(5) var<storage, read_write> dbias_C: array<f32>; // [C] read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override ACCUMULATE: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let column = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (column >= C) {
    return;
  }
  var sum_weight = 0.0;
  var sum_bias = 0.0;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let row_end = N * groups.z;
  for (var row = 0u; row < row_end; row++) {
    let dy = dy_NC[row * C + column];
    sum_weight += dy * ((x_NC[row * C + column] - mean_N[row]) * rstd_N[row]);
    sum_bias += dy;
  }
  if (ACCUMULATE == 1u) {
    sum_weight += dweight_C[column];
    sum_bias += dbias_C[column];
  }
  dweight_C[column] = sum_weight;
  dbias_C[column] = sum_bias;
}
`,
  layernorm_backward_weight_workgroup: `// layernorm_backward_weight_workgroup — dweight = Σ dy n (+ dweight), dbias = Σ dy (+ dbias), n = (x - mean) rstd
// Shapes:   dy[N,C] x[N,C] mean[N] rstd[N] -> dweight[C] dbias[C]
// Dispatch: one workgroup of 256 invocations per 8 columns
// Method:   32 rows side by side, each in ascending steps of 32; then a tree in workgroup memory of fixed order
// Source:   llm.c (f1e2ace) layernorm.cuh, layernorm_backward_kernel10; CPU twin layernorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(N)) 2^-23 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> dy_NC: array<f32>; // [N,C] gradient of the output
@group(0) @binding(1) var<storage, read> x_NC: array<f32>; // [N,C] input of the forward
@group(0) @binding(2) var<storage, read> mean_N: array<f32>; // [N] row means
@group(0) @binding(3) var<storage, read> rstd_N: array<f32>; // [N] 1 / sqrt(variance + eps)
@group(0) @binding(4) var<storage, read_write> dweight_C: array<f32>; // [C] read only if ACCUMULATE
@group(0) @binding(5) var<storage, read_write> dbias_C: array<f32>; // [C] read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override N: u32;
override C: u32;
override ACCUMULATE: u32;

alias Sum = vec2f;

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

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first_column = (first_group + group.y * groups.x + group.x) * COLUMNS;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (first_column >= C) {
    return;
  }
  let column = first_column + lane % COLUMNS;
  // Columns beyond the edge add up the last one again and store nothing.
  let safe_column = min(column, C - 1u);
  let y = lane / COLUMNS;
  var sum = Sum();
  for (var row = y; row < N; row += LANES) {
    let dy = dy_NC[row * C + safe_column];
    sum += vec2f(dy * ((x_NC[row * C + safe_column] - mean_N[row]) * rstd_N[row]), dy);
  }
  var total = column_sum(sum, lane);
  if (y > 0u || column >= C) {
    return;
  }
  if (ACCUMULATE == 1u) {
    total += vec2f(dweight_C[column], dbias_C[column]);
  }
  dweight_C[column] = total.x;
  dbias_C[column] = total.y;
}
`,
  layernorm_forward: `// layernorm_forward — y = (x - mean) * rstd * weight + bias, per row
// Shapes:   x[N,C] weight[C] bias[C] -> y[N,C] mean[N] rstd[N]
// Dispatch: one invocation per row, WG threads; needs: f32 only
// Method:   two passes (mean, then squares of differences), then the output; x read three times
// Source:   Ba et al. 2016 (arXiv:1607.06450) eq. 3, eps inside the root; CPU twin layernorm.cpu.ts
// Checked:  test/conformance.spec.ts, 5e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> x_NC: array<f32>; // [N,C] input
@group(0) @binding(1) var<storage, read> weight_C: array<f32>; // [C] scale
@group(0) @binding(2) var<storage, read> bias_C: array<f32>; // [C] shift
@group(0) @binding(3) var<storage, read_write> y_NC: array<f32>; // [N,C] output
@group(0) @binding(4) var<storage, read_write> mean_N: array<f32>; // [N] row means, kept for the backward
@group(0) @binding(5) var<storage, read_write> rstd_N: array<f32>; // [N] 1 / sqrt(biased variance + eps)
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override EPSILON: f32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (row >= N) {
    return;
  }
  let start = row * C;
  var sum = 0.0;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let i_end = C * groups.z;
  for (var i = 0u; i < i_end; i++) {
    sum += x_NC[start + i];
  }
  let mean = sum / f32(C);
  var squares = 0.0;
  for (var i = 0u; i < i_end; i++) {
    let difference = x_NC[start + i] - mean;
    squares += difference * difference;
  }
  let rstd = 1.0 / sqrt(squares / f32(C) + EPSILON);
  for (var i = 0u; i < i_end; i++) {
    y_NC[start + i] = (x_NC[start + i] - mean) * rstd * weight_C[i] + bias_C[i];
  }
  mean_N[row] = mean;
  rstd_N[row] = rstd;
}
`,
  layernorm_forward_long: `// layernorm_forward_long — y = (x - mean) * rstd * weight + bias, per row
// Shapes:   x[N,C] weight[C] bias[C] -> y[N,C] mean[N] rstd[N]
// Dispatch: one workgroup of WG invocations per row; needs: f32 only
// Method:   nothing is held: mean and squares in one pass, joined by Chan's formula; x read twice
// Source:   Ba et al. 2016 (arXiv:1607.06450) eq. 3; OneFlow 0.9 layer_norm.cuh; CPU twin layernorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(C)) 2^-23 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> x_NC: array<vec4f>; // [N,C] input, in packs as all below
@group(0) @binding(1) var<storage, read> weight_C: array<vec4f>; // [C] scale
@group(0) @binding(2) var<storage, read> bias_C: array<vec4f>; // [C] shift
@group(0) @binding(3) var<storage, read_write> y_NC: array<vec4f>; // [N,C] output
@group(0) @binding(4) var<storage, read_write> mean_N: array<f32>; // [N] row means, kept for the backward
@group(0) @binding(5) var<storage, read_write> rstd_N: array<f32>; // [N] 1 / sqrt(biased variance + eps)
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override EPSILON: f32;
alias Pack = vec4f;
override PACKS: u32 = C / 4u; // of a row

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return (x.x + x.y) + (x.z + x.w);
}

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

fn store(start: u32, i: u32, normalised: Pack) {
  if (i < PACKS) {
    y_NC[start + i] = normalised * weight_C[i] + bias_C[i];
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Uniform in the workgroup, so the barriers below stay legal.
  let row = index;
  if (row >= N) {
    return;
  }
  let first = lane;
  let start = row * PACKS;
  var count = 0.0;
  var lane_mean = 0.0;
  var squares = 0.0;
  for (var i = first; i < PACKS; i += WG) {
    let x = x_NC[start + i];
    let pack_mean = total(x) / 4.0;
    let d = x - pack_mean;
    let step = pack_mean - lane_mean;
    let share = 4.0 / (count + 4.0);
    squares += total(d * d) + step * step * count * share;
    lane_mean += step * share;
    count += 4.0;
  }
  let mean = row_sum(count * lane_mean, lane) / f32(C);
  squares += count * (lane_mean - mean) * (lane_mean - mean);
  let rstd = 1.0 / sqrt(row_sum(squares, lane) / f32(C) + EPSILON);
  for (var i = first; i < PACKS; i += WG) {
    let x = x_NC[start + i];
    store(start, i, (x - mean) * rstd);
  }
  if (first == 0u) {
    mean_N[row] = mean;
    rstd_N[row] = rstd;
  }
}
`,
  layernorm_forward_long_odd: `// layernorm_forward_long_odd — y = (x - mean) * rstd * weight + bias, per row
// Shapes:   x[N,C] weight[C] bias[C] -> y[N,C] mean[N] rstd[N]
// Dispatch: one workgroup of WG invocations per row; needs: f32 only
// Method:   nothing is held: mean and squares in one pass, joined by Chan's formula; x read twice
// Source:   Ba et al. 2016 (arXiv:1607.06450) eq. 3; OneFlow 0.9 layer_norm.cuh; CPU twin layernorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(C)) 2^-23 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> x_NC: array<f32>; // [N,C] input, in packs as all below
@group(0) @binding(1) var<storage, read> weight_C: array<f32>; // [C] scale
@group(0) @binding(2) var<storage, read> bias_C: array<f32>; // [C] shift
@group(0) @binding(3) var<storage, read_write> y_NC: array<f32>; // [N,C] output
@group(0) @binding(4) var<storage, read_write> mean_N: array<f32>; // [N] row means, kept for the backward
@group(0) @binding(5) var<storage, read_write> rstd_N: array<f32>; // [N] 1 / sqrt(biased variance + eps)
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override EPSILON: f32;
alias Pack = f32;
override PACKS: u32 = C / 1u; // of a row

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return x;
}

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

fn store(start: u32, i: u32, normalised: Pack) {
  if (i < PACKS) {
    y_NC[start + i] = normalised * weight_C[i] + bias_C[i];
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Uniform in the workgroup, so the barriers below stay legal.
  let row = index;
  if (row >= N) {
    return;
  }
  let first = lane;
  let start = row * PACKS;
  var count = 0.0;
  var lane_mean = 0.0;
  var squares = 0.0;
  for (var i = first; i < PACKS; i += WG) {
    let x = x_NC[start + i];
    let pack_mean = total(x) / 1.0;
    let d = x - pack_mean;
    let step = pack_mean - lane_mean;
    let share = 1.0 / (count + 1.0);
    squares += total(d * d) + step * step * count * share;
    lane_mean += step * share;
    count += 1.0;
  }
  let mean = row_sum(count * lane_mean, lane) / f32(C);
  squares += count * (lane_mean - mean) * (lane_mean - mean);
  let rstd = 1.0 / sqrt(row_sum(squares, lane) / f32(C) + EPSILON);
  for (var i = first; i < PACKS; i += WG) {
    let x = x_NC[start + i];
    store(start, i, (x - mean) * rstd);
  }
  if (first == 0u) {
    mean_N[row] = mean;
    rstd_N[row] = rstd;
  }
}
`,
  layernorm_forward_middle: `// layernorm_forward_middle — y = (x - mean) * rstd * weight + bias, per row
// Shapes:   x[N,C] weight[C] bias[C] -> y[N,C] mean[N] rstd[N]
// Dispatch: one workgroup of WG invocations per row; needs: 4 C bytes of workgroup memory
// Method:   a row is held in workgroup memory: mean, then squares of differences
// Source:   Ba et al. 2016 (arXiv:1607.06450) eq. 3; OneFlow 0.9 layer_norm.cuh; CPU twin layernorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(C)) 2^-23 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> x_NC: array<vec4f>; // [N,C] input, in packs as all below
@group(0) @binding(1) var<storage, read> weight_C: array<vec4f>; // [C] scale
@group(0) @binding(2) var<storage, read> bias_C: array<vec4f>; // [C] shift
@group(0) @binding(3) var<storage, read_write> y_NC: array<vec4f>; // [N,C] output
@group(0) @binding(4) var<storage, read_write> mean_N: array<f32>; // [N] row means, kept for the backward
@group(0) @binding(5) var<storage, read_write> rstd_N: array<f32>; // [N] 1 / sqrt(biased variance + eps)
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override EPSILON: f32;
alias Pack = vec4f;
override PACKS: u32 = C / 4u; // of a row
var<workgroup> kept: array<Pack, PACKS>;

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return (x.x + x.y) + (x.z + x.w);
}

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

fn store(start: u32, i: u32, normalised: Pack) {
  if (i < PACKS) {
    y_NC[start + i] = normalised * weight_C[i] + bias_C[i];
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Uniform in the workgroup, so the barriers below stay legal.
  let row = index;
  if (row >= N) {
    return;
  }
  let first = lane;
  let start = row * PACKS;
  var sums = Pack();
  for (var i = first; i < PACKS; i += WG) {
    let x = x_NC[start + i];
    kept[i] = x;
    sums += x;
  }
  let mean = row_sum(total(sums), lane) / f32(C);
  var squares = 0.0;
  for (var i = first; i < PACKS; i += WG) {
    let d = kept[i] - mean;
    squares += total(d * d);
  }
  let rstd = 1.0 / sqrt(row_sum(squares, lane) / f32(C) + EPSILON);
  for (var i = first; i < PACKS; i += WG) {
    let x = kept[i];
    store(start, i, (x - mean) * rstd);
  }
  if (first == 0u) {
    mean_N[row] = mean;
    rstd_N[row] = rstd;
  }
}
`,
  layernorm_forward_middle_odd: `// layernorm_forward_middle_odd — y = (x - mean) * rstd * weight + bias, per row
// Shapes:   x[N,C] weight[C] bias[C] -> y[N,C] mean[N] rstd[N]
// Dispatch: one workgroup of WG invocations per row; needs: 4 C bytes of workgroup memory
// Method:   a row is held in workgroup memory: mean, then squares of differences
// Source:   Ba et al. 2016 (arXiv:1607.06450) eq. 3; OneFlow 0.9 layer_norm.cuh; CPU twin layernorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(C)) 2^-23 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> x_NC: array<f32>; // [N,C] input, in packs as all below
@group(0) @binding(1) var<storage, read> weight_C: array<f32>; // [C] scale
@group(0) @binding(2) var<storage, read> bias_C: array<f32>; // [C] shift
@group(0) @binding(3) var<storage, read_write> y_NC: array<f32>; // [N,C] output
@group(0) @binding(4) var<storage, read_write> mean_N: array<f32>; // [N] row means, kept for the backward
@group(0) @binding(5) var<storage, read_write> rstd_N: array<f32>; // [N] 1 / sqrt(biased variance + eps)
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override EPSILON: f32;
alias Pack = f32;
override PACKS: u32 = C / 1u; // of a row
var<workgroup> kept: array<Pack, PACKS>;

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return x;
}

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

fn store(start: u32, i: u32, normalised: Pack) {
  if (i < PACKS) {
    y_NC[start + i] = normalised * weight_C[i] + bias_C[i];
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Uniform in the workgroup, so the barriers below stay legal.
  let row = index;
  if (row >= N) {
    return;
  }
  let first = lane;
  let start = row * PACKS;
  var sums = Pack();
  for (var i = first; i < PACKS; i += WG) {
    let x = x_NC[start + i];
    kept[i] = x;
    sums += x;
  }
  let mean = row_sum(total(sums), lane) / f32(C);
  var squares = 0.0;
  for (var i = first; i < PACKS; i += WG) {
    let d = kept[i] - mean;
    squares += total(d * d);
  }
  let rstd = 1.0 / sqrt(row_sum(squares, lane) / f32(C) + EPSILON);
  for (var i = first; i < PACKS; i += WG) {
    let x = kept[i];
    store(start, i, (x - mean) * rstd);
  }
  if (first == 0u) {
    mean_N[row] = mean;
    rstd_N[row] = rstd;
  }
}
`,
  layernorm_forward_short: `// layernorm_forward_short — y = (x - mean) * rstd * weight + bias, per row
// Shapes:   x[N,C] weight[C] bias[C] -> y[N,C] mean[N] rstd[N]
// Dispatch: R lanes of a subgroup per row, WG / R rows per workgroup; needs: subgroups of R lanes at least
// Method:   a row is held in registers, K packs by each of its lanes: mean, then squares of differences
// Source:   Ba et al. 2016 (arXiv:1607.06450) eq. 3; OneFlow 0.9 layer_norm.cuh; CPU twin layernorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(C)) 2^-23 of the largest entry vs f64
enable subgroups;
@group(0) @binding(0) var<storage, read> x_NC: array<vec4f>; // [N,C] input, in packs as all below
@group(0) @binding(1) var<storage, read> weight_C: array<vec4f>; // [C] scale
@group(0) @binding(2) var<storage, read> bias_C: array<vec4f>; // [C] shift
@group(0) @binding(3) var<storage, read_write> y_NC: array<vec4f>; // [N,C] output
@group(0) @binding(4) var<storage, read_write> mean_N: array<f32>; // [N] row means, kept for the backward
@group(0) @binding(5) var<storage, read_write> rstd_N: array<f32>; // [N] 1 / sqrt(biased variance + eps)
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override EPSILON: f32;
override R: u32; // lanes of a row, a power of two
override K: u32; // packs of a lane, 8 at most
alias Pack = vec4f;
override PACKS: u32 = C / 4u; // of a row

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return (x.x + x.y) + (x.z + x.w);
}

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

fn squared(d: Pack, i: u32) -> f32 {
  return select(0.0, total(d * d), i < PACKS);
}

fn load(start: u32, i: u32) -> Pack {
  if (i < PACKS) {
    return x_NC[start + i];
  }
  return Pack();
}

fn store(start: u32, i: u32, normalised: Pack) {
  if (i < PACKS) {
    y_NC[start + i] = normalised * weight_C[i] + bias_C[i];
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Lanes of rows beyond the last one work on that again, since shuffles need them, and store nothing.
  let own_row = index * (WG / R) + lane / R;
  let row = min(own_row, N - 1u);
  let first = lane % R;
  let start = row * PACKS;
  var sums = Pack();
  var x0 = Pack();
  var x1 = Pack();
  var x2 = Pack();
  var x3 = Pack();
  var x4 = Pack();
  var x5 = Pack();
  var x6 = Pack();
  var x7 = Pack();
  if (0u < K) { x0 = load(start, first + 0u * R); sums += x0; }
  if (1u < K) { x1 = load(start, first + 1u * R); sums += x1; }
  if (2u < K) { x2 = load(start, first + 2u * R); sums += x2; }
  if (3u < K) { x3 = load(start, first + 3u * R); sums += x3; }
  if (4u < K) { x4 = load(start, first + 4u * R); sums += x4; }
  if (5u < K) { x5 = load(start, first + 5u * R); sums += x5; }
  if (6u < K) { x6 = load(start, first + 6u * R); sums += x6; }
  if (7u < K) { x7 = load(start, first + 7u * R); sums += x7; }
  let mean = row_sum(total(sums), lane) / f32(C);
  var squares = 0.0;
  if (0u < K) { squares += squared(x0 - mean, first + 0u * R); }
  if (1u < K) { squares += squared(x1 - mean, first + 1u * R); }
  if (2u < K) { squares += squared(x2 - mean, first + 2u * R); }
  if (3u < K) { squares += squared(x3 - mean, first + 3u * R); }
  if (4u < K) { squares += squared(x4 - mean, first + 4u * R); }
  if (5u < K) { squares += squared(x5 - mean, first + 5u * R); }
  if (6u < K) { squares += squared(x6 - mean, first + 6u * R); }
  if (7u < K) { squares += squared(x7 - mean, first + 7u * R); }
  let rstd = 1.0 / sqrt(row_sum(squares, lane) / f32(C) + EPSILON);
  if (own_row >= N) {
    return;
  }
  if (0u < K) { store(start, first + 0u * R, (x0 - mean) * rstd); }
  if (1u < K) { store(start, first + 1u * R, (x1 - mean) * rstd); }
  if (2u < K) { store(start, first + 2u * R, (x2 - mean) * rstd); }
  if (3u < K) { store(start, first + 3u * R, (x3 - mean) * rstd); }
  if (4u < K) { store(start, first + 4u * R, (x4 - mean) * rstd); }
  if (5u < K) { store(start, first + 5u * R, (x5 - mean) * rstd); }
  if (6u < K) { store(start, first + 6u * R, (x6 - mean) * rstd); }
  if (7u < K) { store(start, first + 7u * R, (x7 - mean) * rstd); }
  if (first == 0u) {
    mean_N[row] = mean;
    rstd_N[row] = rstd;
  }
}
`,
  layernorm_forward_short_odd: `// layernorm_forward_short_odd — y = (x - mean) * rstd * weight + bias, per row
// Shapes:   x[N,C] weight[C] bias[C] -> y[N,C] mean[N] rstd[N]
// Dispatch: R lanes of a subgroup per row, WG / R rows per workgroup; needs: subgroups of R lanes at least
// Method:   a row is held in registers, K packs by each of its lanes: mean, then squares of differences
// Source:   Ba et al. 2016 (arXiv:1607.06450) eq. 3; OneFlow 0.9 layer_norm.cuh; CPU twin layernorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(C)) 2^-23 of the largest entry vs f64
enable subgroups;
@group(0) @binding(0) var<storage, read> x_NC: array<f32>; // [N,C] input, in packs as all below
@group(0) @binding(1) var<storage, read> weight_C: array<f32>; // [C] scale
@group(0) @binding(2) var<storage, read> bias_C: array<f32>; // [C] shift
@group(0) @binding(3) var<storage, read_write> y_NC: array<f32>; // [N,C] output
@group(0) @binding(4) var<storage, read_write> mean_N: array<f32>; // [N] row means, kept for the backward
@group(0) @binding(5) var<storage, read_write> rstd_N: array<f32>; // [N] 1 / sqrt(biased variance + eps)
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override EPSILON: f32;
override R: u32; // lanes of a row, a power of two
override K: u32; // packs of a lane, 8 at most
alias Pack = f32;
override PACKS: u32 = C / 1u; // of a row

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return x;
}

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

fn squared(d: Pack, i: u32) -> f32 {
  return select(0.0, total(d * d), i < PACKS);
}

fn load(start: u32, i: u32) -> Pack {
  if (i < PACKS) {
    return x_NC[start + i];
  }
  return Pack();
}

fn store(start: u32, i: u32, normalised: Pack) {
  if (i < PACKS) {
    y_NC[start + i] = normalised * weight_C[i] + bias_C[i];
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Lanes of rows beyond the last one work on that again, since shuffles need them, and store nothing.
  let own_row = index * (WG / R) + lane / R;
  let row = min(own_row, N - 1u);
  let first = lane % R;
  let start = row * PACKS;
  var sums = Pack();
  var x0 = Pack();
  var x1 = Pack();
  var x2 = Pack();
  var x3 = Pack();
  var x4 = Pack();
  var x5 = Pack();
  var x6 = Pack();
  var x7 = Pack();
  if (0u < K) { x0 = load(start, first + 0u * R); sums += x0; }
  if (1u < K) { x1 = load(start, first + 1u * R); sums += x1; }
  if (2u < K) { x2 = load(start, first + 2u * R); sums += x2; }
  if (3u < K) { x3 = load(start, first + 3u * R); sums += x3; }
  if (4u < K) { x4 = load(start, first + 4u * R); sums += x4; }
  if (5u < K) { x5 = load(start, first + 5u * R); sums += x5; }
  if (6u < K) { x6 = load(start, first + 6u * R); sums += x6; }
  if (7u < K) { x7 = load(start, first + 7u * R); sums += x7; }
  let mean = row_sum(total(sums), lane) / f32(C);
  var squares = 0.0;
  if (0u < K) { squares += squared(x0 - mean, first + 0u * R); }
  if (1u < K) { squares += squared(x1 - mean, first + 1u * R); }
  if (2u < K) { squares += squared(x2 - mean, first + 2u * R); }
  if (3u < K) { squares += squared(x3 - mean, first + 3u * R); }
  if (4u < K) { squares += squared(x4 - mean, first + 4u * R); }
  if (5u < K) { squares += squared(x5 - mean, first + 5u * R); }
  if (6u < K) { squares += squared(x6 - mean, first + 6u * R); }
  if (7u < K) { squares += squared(x7 - mean, first + 7u * R); }
  let rstd = 1.0 / sqrt(row_sum(squares, lane) / f32(C) + EPSILON);
  if (own_row >= N) {
    return;
  }
  if (0u < K) { store(start, first + 0u * R, (x0 - mean) * rstd); }
  if (1u < K) { store(start, first + 1u * R, (x1 - mean) * rstd); }
  if (2u < K) { store(start, first + 2u * R, (x2 - mean) * rstd); }
  if (3u < K) { store(start, first + 3u * R, (x3 - mean) * rstd); }
  if (4u < K) { store(start, first + 4u * R, (x4 - mean) * rstd); }
  if (5u < K) { store(start, first + 5u * R, (x5 - mean) * rstd); }
  if (6u < K) { store(start, first + 6u * R, (x6 - mean) * rstd); }
  if (7u < K) { store(start, first + 7u * R, (x7 - mean) * rstd); }
  if (first == 0u) {
    mean_N[row] = mean;
    rstd_N[row] = rstd;
  }
}
`,
  matmul_nn_block_128x128: `// matmul_nn_block_128x128 — c = a b (+ bias) (+ residual) (+ c), for GPUs
// Shapes:   a[M,K] b[K,N] bias[N] residual[M,N] -> c[M,N]
// Dispatch: 256 invocations per 128 x 128 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<vec4f>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_KN: array<vec4f>; // [K,N] right factor
@group(0) @binding(2) var<storage, read> bias_N: array<f32>; // [N] read only if BIAS
@group(0) @binding(3) var<storage, read> residual_MN: array<f32>; // [M,N] read only if RESIDUAL
@group(0) @binding(4) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE or CONTINUED
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override BIAS: u32;
override RESIDUAL: u32;
override CONTINUED: u32; // the sums go on from what c holds
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 128u;
const COLUMNS = 128u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  return select(vec4f(), a_MK[(start + min(k, K - 4u)) / 4u], IS_WHOLE || k < K);
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * N;
  return select(vec4f(), b_KN[(start + min(column, N - 4u)) / 4u], IS_WHOLE || k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (COLUMNS / 4u), block / (COLUMNS / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  return mat4x4f(b_four(at.x, at.y), b_four(at.x, at.y + 1u), b_four(at.x, at.y + 2u), b_four(at.x, at.y + 3u));
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn begun(row: u32, column: u32) -> vec4f {
  let at = min(row, M - 1u) * N + min(column + FOUR, vec4u(N - 1u));
  return vec4f(c_MN[at.x], c_MN[at.y], c_MN[at.z], c_MN[at.w]);
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    if (BIAS == 1u) {
      sum += bias_N[column + i];
    }
    if (RESIDUAL == 1u) {
      sum += residual_MN[index];
    }
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  if (CONTINUED == 1u) {
    c00 = begun(row + 0u, column);
    c01 = begun(row + 0u, column + COLUMNS / 2u);
    c10 = begun(row + 1u, column);
    c11 = begun(row + 1u, column + COLUMNS / 2u);
    c20 = begun(row + 2u, column);
    c21 = begun(row + 2u, column + COLUMNS / 2u);
    c30 = begun(row + 3u, column);
    c31 = begun(row + 3u, column + COLUMNS / 2u);
    c40 = begun(row + 4u, column);
    c41 = begun(row + 4u, column + COLUMNS / 2u);
    c50 = begun(row + 5u, column);
    c51 = begun(row + 5u, column + COLUMNS / 2u);
    c60 = begun(row + 6u, column);
    c61 = begun(row + 6u, column + COLUMNS / 2u);
    c70 = begun(row + 7u, column);
    c71 = begun(row + 7u, column + COLUMNS / 2u);
  }
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 256u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 256u, block0);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 256u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nn_block_128x128_any: `// matmul_nn_block_128x128_any — c = a b (+ bias) (+ residual) (+ c), for GPUs
// Shapes:   a[M,K] b[K,N] bias[N] residual[M,N] -> c[M,N]
// Dispatch: 256 invocations per 128 x 128 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_KN: array<f32>; // [K,N] right factor
@group(0) @binding(2) var<storage, read> bias_N: array<f32>; // [N] read only if BIAS
@group(0) @binding(3) var<storage, read> residual_MN: array<f32>; // [M,N] read only if RESIDUAL
@group(0) @binding(4) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE or CONTINUED
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override BIAS: u32;
override RESIDUAL: u32;
override CONTINUED: u32; // the sums go on from what c holds
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 128u;
const COLUMNS = 128u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  let at = start + min(k + FOUR, vec4u(K - 1u));
  return select(vec4f(), vec4f(a_MK[at.x], a_MK[at.y], a_MK[at.z], a_MK[at.w]), k + FOUR < vec4u(K));
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * N;
  let at = start + min(column + FOUR, vec4u(N - 1u));
  return select(vec4f(), vec4f(b_KN[at.x], b_KN[at.y], b_KN[at.z], b_KN[at.w]), k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (COLUMNS / 4u), block / (COLUMNS / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  return mat4x4f(b_four(at.x, at.y), b_four(at.x, at.y + 1u), b_four(at.x, at.y + 2u), b_four(at.x, at.y + 3u));
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn begun(row: u32, column: u32) -> vec4f {
  let at = min(row, M - 1u) * N + min(column + FOUR, vec4u(N - 1u));
  return vec4f(c_MN[at.x], c_MN[at.y], c_MN[at.z], c_MN[at.w]);
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    if (BIAS == 1u) {
      sum += bias_N[column + i];
    }
    if (RESIDUAL == 1u) {
      sum += residual_MN[index];
    }
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  if (CONTINUED == 1u) {
    c00 = begun(row + 0u, column);
    c01 = begun(row + 0u, column + COLUMNS / 2u);
    c10 = begun(row + 1u, column);
    c11 = begun(row + 1u, column + COLUMNS / 2u);
    c20 = begun(row + 2u, column);
    c21 = begun(row + 2u, column + COLUMNS / 2u);
    c30 = begun(row + 3u, column);
    c31 = begun(row + 3u, column + COLUMNS / 2u);
    c40 = begun(row + 4u, column);
    c41 = begun(row + 4u, column + COLUMNS / 2u);
    c50 = begun(row + 5u, column);
    c51 = begun(row + 5u, column + COLUMNS / 2u);
    c60 = begun(row + 6u, column);
    c61 = begun(row + 6u, column + COLUMNS / 2u);
    c70 = begun(row + 7u, column);
    c71 = begun(row + 7u, column + COLUMNS / 2u);
  }
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 256u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 256u, block0);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 256u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nn_block_128x64: `// matmul_nn_block_128x64 — c = a b (+ bias) (+ residual) (+ c), for GPUs
// Shapes:   a[M,K] b[K,N] bias[N] residual[M,N] -> c[M,N]
// Dispatch: 128 invocations per 128 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<vec4f>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_KN: array<vec4f>; // [K,N] right factor
@group(0) @binding(2) var<storage, read> bias_N: array<f32>; // [N] read only if BIAS
@group(0) @binding(3) var<storage, read> residual_MN: array<f32>; // [M,N] read only if RESIDUAL
@group(0) @binding(4) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE or CONTINUED
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override BIAS: u32;
override RESIDUAL: u32;
override CONTINUED: u32; // the sums go on from what c holds
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 128u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  return select(vec4f(), a_MK[(start + min(k, K - 4u)) / 4u], IS_WHOLE || k < K);
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * N;
  return select(vec4f(), b_KN[(start + min(column, N - 4u)) / 4u], IS_WHOLE || k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (COLUMNS / 4u), block / (COLUMNS / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  return mat4x4f(b_four(at.x, at.y), b_four(at.x, at.y + 1u), b_four(at.x, at.y + 2u), b_four(at.x, at.y + 3u));
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  if (block >= ROWS + COLUMNS) {
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn begun(row: u32, column: u32) -> vec4f {
  let at = min(row, M - 1u) * N + min(column + FOUR, vec4u(N - 1u));
  return vec4f(c_MN[at.x], c_MN[at.y], c_MN[at.z], c_MN[at.w]);
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    if (BIAS == 1u) {
      sum += bias_N[column + i];
    }
    if (RESIDUAL == 1u) {
      sum += residual_MN[index];
    }
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(128)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  if (CONTINUED == 1u) {
    c00 = begun(row + 0u, column);
    c01 = begun(row + 0u, column + COLUMNS / 2u);
    c10 = begun(row + 1u, column);
    c11 = begun(row + 1u, column + COLUMNS / 2u);
    c20 = begun(row + 2u, column);
    c21 = begun(row + 2u, column + COLUMNS / 2u);
    c30 = begun(row + 3u, column);
    c31 = begun(row + 3u, column + COLUMNS / 2u);
    c40 = begun(row + 4u, column);
    c41 = begun(row + 4u, column + COLUMNS / 2u);
    c50 = begun(row + 5u, column);
    c51 = begun(row + 5u, column + COLUMNS / 2u);
    c60 = begun(row + 6u, column);
    c61 = begun(row + 6u, column + COLUMNS / 2u);
    c70 = begun(row + 7u, column);
    c71 = begun(row + 7u, column + COLUMNS / 2u);
  }
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 128u, corner, k_begin);
  var block1 = fetched(lane + 1u * 128u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 128u, block0);
    keep(lane + 1u * 128u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 128u, corner, start + STEP);
      block1 = fetched(lane + 1u * 128u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nn_block_128x64_any: `// matmul_nn_block_128x64_any — c = a b (+ bias) (+ residual) (+ c), for GPUs
// Shapes:   a[M,K] b[K,N] bias[N] residual[M,N] -> c[M,N]
// Dispatch: 128 invocations per 128 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_KN: array<f32>; // [K,N] right factor
@group(0) @binding(2) var<storage, read> bias_N: array<f32>; // [N] read only if BIAS
@group(0) @binding(3) var<storage, read> residual_MN: array<f32>; // [M,N] read only if RESIDUAL
@group(0) @binding(4) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE or CONTINUED
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override BIAS: u32;
override RESIDUAL: u32;
override CONTINUED: u32; // the sums go on from what c holds
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 128u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  let at = start + min(k + FOUR, vec4u(K - 1u));
  return select(vec4f(), vec4f(a_MK[at.x], a_MK[at.y], a_MK[at.z], a_MK[at.w]), k + FOUR < vec4u(K));
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * N;
  let at = start + min(column + FOUR, vec4u(N - 1u));
  return select(vec4f(), vec4f(b_KN[at.x], b_KN[at.y], b_KN[at.z], b_KN[at.w]), k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (COLUMNS / 4u), block / (COLUMNS / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  return mat4x4f(b_four(at.x, at.y), b_four(at.x, at.y + 1u), b_four(at.x, at.y + 2u), b_four(at.x, at.y + 3u));
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  if (block >= ROWS + COLUMNS) {
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn begun(row: u32, column: u32) -> vec4f {
  let at = min(row, M - 1u) * N + min(column + FOUR, vec4u(N - 1u));
  return vec4f(c_MN[at.x], c_MN[at.y], c_MN[at.z], c_MN[at.w]);
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    if (BIAS == 1u) {
      sum += bias_N[column + i];
    }
    if (RESIDUAL == 1u) {
      sum += residual_MN[index];
    }
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(128)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  if (CONTINUED == 1u) {
    c00 = begun(row + 0u, column);
    c01 = begun(row + 0u, column + COLUMNS / 2u);
    c10 = begun(row + 1u, column);
    c11 = begun(row + 1u, column + COLUMNS / 2u);
    c20 = begun(row + 2u, column);
    c21 = begun(row + 2u, column + COLUMNS / 2u);
    c30 = begun(row + 3u, column);
    c31 = begun(row + 3u, column + COLUMNS / 2u);
    c40 = begun(row + 4u, column);
    c41 = begun(row + 4u, column + COLUMNS / 2u);
    c50 = begun(row + 5u, column);
    c51 = begun(row + 5u, column + COLUMNS / 2u);
    c60 = begun(row + 6u, column);
    c61 = begun(row + 6u, column + COLUMNS / 2u);
    c70 = begun(row + 7u, column);
    c71 = begun(row + 7u, column + COLUMNS / 2u);
  }
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 128u, corner, k_begin);
  var block1 = fetched(lane + 1u * 128u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 128u, block0);
    keep(lane + 1u * 128u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 128u, corner, start + STEP);
      block1 = fetched(lane + 1u * 128u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nn_block_64x64: `// matmul_nn_block_64x64 — c = a b (+ bias) (+ residual) (+ c), for GPUs
// Shapes:   a[M,K] b[K,N] bias[N] residual[M,N] -> c[M,N]
// Dispatch: 64 invocations per 64 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<vec4f>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_KN: array<vec4f>; // [K,N] right factor
@group(0) @binding(2) var<storage, read> bias_N: array<f32>; // [N] read only if BIAS
@group(0) @binding(3) var<storage, read> residual_MN: array<f32>; // [M,N] read only if RESIDUAL
@group(0) @binding(4) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE or CONTINUED
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override BIAS: u32;
override RESIDUAL: u32;
override CONTINUED: u32; // the sums go on from what c holds
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 64u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  return select(vec4f(), a_MK[(start + min(k, K - 4u)) / 4u], IS_WHOLE || k < K);
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * N;
  return select(vec4f(), b_KN[(start + min(column, N - 4u)) / 4u], IS_WHOLE || k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (COLUMNS / 4u), block / (COLUMNS / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  return mat4x4f(b_four(at.x, at.y), b_four(at.x, at.y + 1u), b_four(at.x, at.y + 2u), b_four(at.x, at.y + 3u));
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn begun(row: u32, column: u32) -> vec4f {
  let at = min(row, M - 1u) * N + min(column + FOUR, vec4u(N - 1u));
  return vec4f(c_MN[at.x], c_MN[at.y], c_MN[at.z], c_MN[at.w]);
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    if (BIAS == 1u) {
      sum += bias_N[column + i];
    }
    if (RESIDUAL == 1u) {
      sum += residual_MN[index];
    }
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  if (CONTINUED == 1u) {
    c00 = begun(row + 0u, column);
    c01 = begun(row + 0u, column + COLUMNS / 2u);
    c10 = begun(row + 1u, column);
    c11 = begun(row + 1u, column + COLUMNS / 2u);
    c20 = begun(row + 2u, column);
    c21 = begun(row + 2u, column + COLUMNS / 2u);
    c30 = begun(row + 3u, column);
    c31 = begun(row + 3u, column + COLUMNS / 2u);
    c40 = begun(row + 4u, column);
    c41 = begun(row + 4u, column + COLUMNS / 2u);
    c50 = begun(row + 5u, column);
    c51 = begun(row + 5u, column + COLUMNS / 2u);
    c60 = begun(row + 6u, column);
    c61 = begun(row + 6u, column + COLUMNS / 2u);
    c70 = begun(row + 7u, column);
    c71 = begun(row + 7u, column + COLUMNS / 2u);
  }
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 64u, corner, k_begin);
  var block1 = fetched(lane + 1u * 64u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 64u, block0);
    keep(lane + 1u * 64u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 64u, corner, start + STEP);
      block1 = fetched(lane + 1u * 64u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nn_block_64x64_any: `// matmul_nn_block_64x64_any — c = a b (+ bias) (+ residual) (+ c), for GPUs
// Shapes:   a[M,K] b[K,N] bias[N] residual[M,N] -> c[M,N]
// Dispatch: 64 invocations per 64 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_KN: array<f32>; // [K,N] right factor
@group(0) @binding(2) var<storage, read> bias_N: array<f32>; // [N] read only if BIAS
@group(0) @binding(3) var<storage, read> residual_MN: array<f32>; // [M,N] read only if RESIDUAL
@group(0) @binding(4) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE or CONTINUED
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override BIAS: u32;
override RESIDUAL: u32;
override CONTINUED: u32; // the sums go on from what c holds
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 64u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  let at = start + min(k + FOUR, vec4u(K - 1u));
  return select(vec4f(), vec4f(a_MK[at.x], a_MK[at.y], a_MK[at.z], a_MK[at.w]), k + FOUR < vec4u(K));
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * N;
  let at = start + min(column + FOUR, vec4u(N - 1u));
  return select(vec4f(), vec4f(b_KN[at.x], b_KN[at.y], b_KN[at.z], b_KN[at.w]), k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (COLUMNS / 4u), block / (COLUMNS / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  return mat4x4f(b_four(at.x, at.y), b_four(at.x, at.y + 1u), b_four(at.x, at.y + 2u), b_four(at.x, at.y + 3u));
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn begun(row: u32, column: u32) -> vec4f {
  let at = min(row, M - 1u) * N + min(column + FOUR, vec4u(N - 1u));
  return vec4f(c_MN[at.x], c_MN[at.y], c_MN[at.z], c_MN[at.w]);
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    if (BIAS == 1u) {
      sum += bias_N[column + i];
    }
    if (RESIDUAL == 1u) {
      sum += residual_MN[index];
    }
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  if (CONTINUED == 1u) {
    c00 = begun(row + 0u, column);
    c01 = begun(row + 0u, column + COLUMNS / 2u);
    c10 = begun(row + 1u, column);
    c11 = begun(row + 1u, column + COLUMNS / 2u);
    c20 = begun(row + 2u, column);
    c21 = begun(row + 2u, column + COLUMNS / 2u);
    c30 = begun(row + 3u, column);
    c31 = begun(row + 3u, column + COLUMNS / 2u);
    c40 = begun(row + 4u, column);
    c41 = begun(row + 4u, column + COLUMNS / 2u);
    c50 = begun(row + 5u, column);
    c51 = begun(row + 5u, column + COLUMNS / 2u);
    c60 = begun(row + 6u, column);
    c61 = begun(row + 6u, column + COLUMNS / 2u);
    c70 = begun(row + 7u, column);
    c71 = begun(row + 7u, column + COLUMNS / 2u);
  }
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 64u, corner, k_begin);
  var block1 = fetched(lane + 1u * 64u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 64u, block0);
    keep(lane + 1u * 64u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 64u, corner, start + STEP);
      block1 = fetched(lane + 1u * 64u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nn_gelu_128x128: `// matmul_nn_gelu_128x128 — c = a b (+ bias), y = gelu(c), for GPUs
// Shapes:   a[M,K] b[K,N] bias[N] -> c[M,N] y[M,N]
// Dispatch: 256 invocations per 128 x 128 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<vec4f>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_KN: array<vec4f>; // [K,N] right factor
@group(0) @binding(2) var<storage, read> bias_N: array<f32>; // [N] read only if BIAS
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>; // [M,N] product
@group(0) @binding(4) var<storage, read_write> y_MN: array<f32>; // [M,N] what follows from it
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override BIAS: u32;
const SQRT_2_OVER_PI = 0.7978845608028654;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 128u;
const COLUMNS = 128u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  return select(vec4f(), a_MK[(start + min(k, K - 4u)) / 4u], IS_WHOLE || k < K);
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * N;
  return select(vec4f(), b_KN[(start + min(column, N - 4u)) / 4u], IS_WHOLE || k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (COLUMNS / 4u), block / (COLUMNS / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  return mat4x4f(b_four(at.x, at.y), b_four(at.x, at.y + 1u), b_four(at.x, at.y + 2u), b_four(at.x, at.y + 3u));
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    if (BIAS == 1u) {
      sum += bias_N[column + i];
    }
    let t = tanh(clamp(SQRT_2_OVER_PI * (sum + 0.044715 * sum * sum * sum), -10.0, 10.0));
    y_MN[index] = 0.5 * sum * (1.0 + t);
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 256u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 256u, block0);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 256u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nn_gelu_128x128_any: `// matmul_nn_gelu_128x128_any — c = a b (+ bias), y = gelu(c), for GPUs
// Shapes:   a[M,K] b[K,N] bias[N] -> c[M,N] y[M,N]
// Dispatch: 256 invocations per 128 x 128 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_KN: array<f32>; // [K,N] right factor
@group(0) @binding(2) var<storage, read> bias_N: array<f32>; // [N] read only if BIAS
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>; // [M,N] product
@group(0) @binding(4) var<storage, read_write> y_MN: array<f32>; // [M,N] what follows from it
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override BIAS: u32;
const SQRT_2_OVER_PI = 0.7978845608028654;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 128u;
const COLUMNS = 128u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  let at = start + min(k + FOUR, vec4u(K - 1u));
  return select(vec4f(), vec4f(a_MK[at.x], a_MK[at.y], a_MK[at.z], a_MK[at.w]), k + FOUR < vec4u(K));
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * N;
  let at = start + min(column + FOUR, vec4u(N - 1u));
  return select(vec4f(), vec4f(b_KN[at.x], b_KN[at.y], b_KN[at.z], b_KN[at.w]), k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (COLUMNS / 4u), block / (COLUMNS / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  return mat4x4f(b_four(at.x, at.y), b_four(at.x, at.y + 1u), b_four(at.x, at.y + 2u), b_four(at.x, at.y + 3u));
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    if (BIAS == 1u) {
      sum += bias_N[column + i];
    }
    let t = tanh(clamp(SQRT_2_OVER_PI * (sum + 0.044715 * sum * sum * sum), -10.0, 10.0));
    y_MN[index] = 0.5 * sum * (1.0 + t);
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 256u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 256u, block0);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 256u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nn_gelu_128x64: `// matmul_nn_gelu_128x64 — c = a b (+ bias), y = gelu(c), for GPUs
// Shapes:   a[M,K] b[K,N] bias[N] -> c[M,N] y[M,N]
// Dispatch: 128 invocations per 128 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<vec4f>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_KN: array<vec4f>; // [K,N] right factor
@group(0) @binding(2) var<storage, read> bias_N: array<f32>; // [N] read only if BIAS
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>; // [M,N] product
@group(0) @binding(4) var<storage, read_write> y_MN: array<f32>; // [M,N] what follows from it
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override BIAS: u32;
const SQRT_2_OVER_PI = 0.7978845608028654;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 128u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  return select(vec4f(), a_MK[(start + min(k, K - 4u)) / 4u], IS_WHOLE || k < K);
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * N;
  return select(vec4f(), b_KN[(start + min(column, N - 4u)) / 4u], IS_WHOLE || k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (COLUMNS / 4u), block / (COLUMNS / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  return mat4x4f(b_four(at.x, at.y), b_four(at.x, at.y + 1u), b_four(at.x, at.y + 2u), b_four(at.x, at.y + 3u));
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  if (block >= ROWS + COLUMNS) {
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    if (BIAS == 1u) {
      sum += bias_N[column + i];
    }
    let t = tanh(clamp(SQRT_2_OVER_PI * (sum + 0.044715 * sum * sum * sum), -10.0, 10.0));
    y_MN[index] = 0.5 * sum * (1.0 + t);
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(128)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 128u, corner, k_begin);
  var block1 = fetched(lane + 1u * 128u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 128u, block0);
    keep(lane + 1u * 128u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 128u, corner, start + STEP);
      block1 = fetched(lane + 1u * 128u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nn_gelu_128x64_any: `// matmul_nn_gelu_128x64_any — c = a b (+ bias), y = gelu(c), for GPUs
// Shapes:   a[M,K] b[K,N] bias[N] -> c[M,N] y[M,N]
// Dispatch: 128 invocations per 128 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_KN: array<f32>; // [K,N] right factor
@group(0) @binding(2) var<storage, read> bias_N: array<f32>; // [N] read only if BIAS
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>; // [M,N] product
@group(0) @binding(4) var<storage, read_write> y_MN: array<f32>; // [M,N] what follows from it
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override BIAS: u32;
const SQRT_2_OVER_PI = 0.7978845608028654;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 128u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  let at = start + min(k + FOUR, vec4u(K - 1u));
  return select(vec4f(), vec4f(a_MK[at.x], a_MK[at.y], a_MK[at.z], a_MK[at.w]), k + FOUR < vec4u(K));
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * N;
  let at = start + min(column + FOUR, vec4u(N - 1u));
  return select(vec4f(), vec4f(b_KN[at.x], b_KN[at.y], b_KN[at.z], b_KN[at.w]), k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (COLUMNS / 4u), block / (COLUMNS / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  return mat4x4f(b_four(at.x, at.y), b_four(at.x, at.y + 1u), b_four(at.x, at.y + 2u), b_four(at.x, at.y + 3u));
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  if (block >= ROWS + COLUMNS) {
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    if (BIAS == 1u) {
      sum += bias_N[column + i];
    }
    let t = tanh(clamp(SQRT_2_OVER_PI * (sum + 0.044715 * sum * sum * sum), -10.0, 10.0));
    y_MN[index] = 0.5 * sum * (1.0 + t);
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(128)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 128u, corner, k_begin);
  var block1 = fetched(lane + 1u * 128u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 128u, block0);
    keep(lane + 1u * 128u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 128u, corner, start + STEP);
      block1 = fetched(lane + 1u * 128u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nn_gelu_64x64: `// matmul_nn_gelu_64x64 — c = a b (+ bias), y = gelu(c), for GPUs
// Shapes:   a[M,K] b[K,N] bias[N] -> c[M,N] y[M,N]
// Dispatch: 64 invocations per 64 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<vec4f>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_KN: array<vec4f>; // [K,N] right factor
@group(0) @binding(2) var<storage, read> bias_N: array<f32>; // [N] read only if BIAS
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>; // [M,N] product
@group(0) @binding(4) var<storage, read_write> y_MN: array<f32>; // [M,N] what follows from it
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override BIAS: u32;
const SQRT_2_OVER_PI = 0.7978845608028654;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 64u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  return select(vec4f(), a_MK[(start + min(k, K - 4u)) / 4u], IS_WHOLE || k < K);
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * N;
  return select(vec4f(), b_KN[(start + min(column, N - 4u)) / 4u], IS_WHOLE || k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (COLUMNS / 4u), block / (COLUMNS / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  return mat4x4f(b_four(at.x, at.y), b_four(at.x, at.y + 1u), b_four(at.x, at.y + 2u), b_four(at.x, at.y + 3u));
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    if (BIAS == 1u) {
      sum += bias_N[column + i];
    }
    let t = tanh(clamp(SQRT_2_OVER_PI * (sum + 0.044715 * sum * sum * sum), -10.0, 10.0));
    y_MN[index] = 0.5 * sum * (1.0 + t);
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 64u, corner, k_begin);
  var block1 = fetched(lane + 1u * 64u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 64u, block0);
    keep(lane + 1u * 64u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 64u, corner, start + STEP);
      block1 = fetched(lane + 1u * 64u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nn_gelu_64x64_any: `// matmul_nn_gelu_64x64_any — c = a b (+ bias), y = gelu(c), for GPUs
// Shapes:   a[M,K] b[K,N] bias[N] -> c[M,N] y[M,N]
// Dispatch: 64 invocations per 64 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_KN: array<f32>; // [K,N] right factor
@group(0) @binding(2) var<storage, read> bias_N: array<f32>; // [N] read only if BIAS
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>; // [M,N] product
@group(0) @binding(4) var<storage, read_write> y_MN: array<f32>; // [M,N] what follows from it
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override BIAS: u32;
const SQRT_2_OVER_PI = 0.7978845608028654;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 64u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  let at = start + min(k + FOUR, vec4u(K - 1u));
  return select(vec4f(), vec4f(a_MK[at.x], a_MK[at.y], a_MK[at.z], a_MK[at.w]), k + FOUR < vec4u(K));
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * N;
  let at = start + min(column + FOUR, vec4u(N - 1u));
  return select(vec4f(), vec4f(b_KN[at.x], b_KN[at.y], b_KN[at.z], b_KN[at.w]), k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (COLUMNS / 4u), block / (COLUMNS / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  return mat4x4f(b_four(at.x, at.y), b_four(at.x, at.y + 1u), b_four(at.x, at.y + 2u), b_four(at.x, at.y + 3u));
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    if (BIAS == 1u) {
      sum += bias_N[column + i];
    }
    let t = tanh(clamp(SQRT_2_OVER_PI * (sum + 0.044715 * sum * sum * sum), -10.0, 10.0));
    y_MN[index] = 0.5 * sum * (1.0 + t);
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 64u, corner, k_begin);
  var block1 = fetched(lane + 1u * 64u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 64u, block0);
    keep(lane + 1u * 64u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 64u, corner, start + STEP);
      block1 = fetched(lane + 1u * 64u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nn_gelu_scalar: `// matmul_nn_gelu_scalar — c = a b (+ bias), y = gelu(c): the reference that the faster variants are checked against
// Shapes:   a[M,K] b[K,N] bias[N] -> c[M,N] y[M,N]
// Dispatch: one invocation per element of c, WG threads in linear order; needs: f32 only
// Method:   one dot product in ascending k; arguments of tanh and exp are clamped: large ones give NaN on some drivers
// Source:   definitions as in gelu_forward.wgsl, swiglu_forward.wgsl and add.wgsl; CPU twin matmul-fused.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_KN: array<f32>; // [K,N] right factor
@group(0) @binding(2) var<storage, read> bias_N: array<f32>; // [N] read only if BIAS
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>; // [M,N] product
@group(0) @binding(4) var<storage, read_write> y_MN: array<f32>; // [M,N] what follows from it
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override M: u32;
override K: u32;
override N: u32;
override BIAS: u32;
const SQRT_2_OVER_PI = 0.7978845608028654;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= M * N) {
    return;
  }
  let row = index / N;
  let column = index % N;
  var sum = 0.0;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let k_end = K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    sum += a_MK[row * K + k] * b_KN[k * N + column];
  }
  if (BIAS == 1u) {
    sum += bias_N[column];
  }
  let t = tanh(clamp(SQRT_2_OVER_PI * (sum + 0.044715 * sum * sum * sum), -10.0, 10.0));
  y_MN[index] = 0.5 * sum * (1.0 + t);
  c_MN[index] = sum;
}
`,
  matmul_nn_parts_64x64: `// matmul_nn_parts_64x64 — parts = a b, each of some k alone, for GPUs
// Shapes:   a[M,K] b[K,N] -> parts[P,M,N]
// Dispatch: 64 invocations per 64 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<vec4f>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_KN: array<vec4f>; // [K,N] right factor
@group(0) @binding(2) var<storage, read_write> parts_PMN: array<f32>; // [P,M,N] a sum for each part
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override P: u32;
override PART_K: u32; // products of a part, in whole slabs of 16
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 64u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  return select(vec4f(), a_MK[(start + min(k, K - 4u)) / 4u], IS_WHOLE || k < K);
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * N;
  return select(vec4f(), b_KN[(start + min(column, N - 4u)) / 4u], IS_WHOLE || k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (COLUMNS / 4u), block / (COLUMNS / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  return mat4x4f(b_four(at.x, at.y), b_four(at.x, at.y + 1u), b_four(at.x, at.y + 2u), b_four(at.x, at.y + 3u));
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    parts_PMN[(part * M + row) * N + column + i] = sums[i];
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = part * PART_K;
  let k_end = min(K, k_begin + PART_K);
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= P) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 64u, corner, k_begin);
  var block1 = fetched(lane + 1u * 64u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 64u, block0);
    keep(lane + 1u * 64u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 64u, corner, start + STEP);
      block1 = fetched(lane + 1u * 64u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nn_parts_64x64_any: `// matmul_nn_parts_64x64_any — parts = a b, each of some k alone, for GPUs
// Shapes:   a[M,K] b[K,N] -> parts[P,M,N]
// Dispatch: 64 invocations per 64 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_KN: array<f32>; // [K,N] right factor
@group(0) @binding(2) var<storage, read_write> parts_PMN: array<f32>; // [P,M,N] a sum for each part
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override P: u32;
override PART_K: u32; // products of a part, in whole slabs of 16
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 64u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  let at = start + min(k + FOUR, vec4u(K - 1u));
  return select(vec4f(), vec4f(a_MK[at.x], a_MK[at.y], a_MK[at.z], a_MK[at.w]), k + FOUR < vec4u(K));
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * N;
  let at = start + min(column + FOUR, vec4u(N - 1u));
  return select(vec4f(), vec4f(b_KN[at.x], b_KN[at.y], b_KN[at.z], b_KN[at.w]), k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (COLUMNS / 4u), block / (COLUMNS / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  return mat4x4f(b_four(at.x, at.y), b_four(at.x, at.y + 1u), b_four(at.x, at.y + 2u), b_four(at.x, at.y + 3u));
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    parts_PMN[(part * M + row) * N + column + i] = sums[i];
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = part * PART_K;
  let k_end = min(K, k_begin + PART_K);
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= P) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 64u, corner, k_begin);
  var block1 = fetched(lane + 1u * 64u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 64u, block0);
    keep(lane + 1u * 64u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 64u, corner, start + STEP);
      block1 = fetched(lane + 1u * 64u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nn_parts_scalar: `// matmul_nn_parts_scalar — parts = a b, each of some k alone: the reference that the faster variants are checked against
// Shapes:   a[M,K] b[K,N] -> parts[P,M,N]
// Dispatch: one invocation per element of parts, WG threads in linear order; needs: f32 only
// Method:   one dot product in ascending k, of PART_K products or of those that are left
// Source:   definition; CPU twin matmul-parts.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_KN: array<f32>; // [K,N] right factor
@group(0) @binding(2) var<storage, read_write> parts_PMN: array<f32>; // [P,M,N] a sum for each part
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override M: u32;
override K: u32;
override N: u32;
override P: u32;
override PART_K: u32; // products of a part

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= P * M * N) {
    return;
  }
  let part = index / (M * N);
  let row = index / N % M;
  let column = index % N;
  var sum = 0.0;
  let k_end = min(K, (part + 1u) * PART_K);
  for (var k = part * PART_K; k < k_end; k++) {
    sum += a_MK[row * K + k] * b_KN[k * N + column];
  }
  parts_PMN[index] = sum;
}
`,
  matmul_nn_scalar: `// matmul_nn_scalar — c = a b (+ bias) (+ residual) (+ c): the reference that every faster variant is checked against
// Shapes:   a[M,K] b[K,N] bias[N] residual[M,N] -> c[M,N]
// Dispatch: one invocation per element of c, WG threads in linear order; needs: f32 only
// Method:   one dot product in ascending k
// Source:   definition; CPU twin matmul.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_KN: array<f32>; // [K,N] right factor
@group(0) @binding(2) var<storage, read> bias_N: array<f32>; // [N] read only if BIAS
@group(0) @binding(3) var<storage, read> residual_MN: array<f32>; // [M,N] read only if RESIDUAL
@group(0) @binding(4) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE or CONTINUED
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32; // from one row of a to the next
override BIAS: u32;
override RESIDUAL: u32;
override ACCUMULATE: u32;
override CONTINUED: u32; // the sums go on from what c holds

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= M * N) {
    return;
  }
  let row = index / N;
  let column = index % N;
  var sum = 0.0;
  if (CONTINUED == 1u) {
    sum = c_MN[index];
  }
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let k_end = K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    sum += a_MK[row * A_STRIDE + k] * b_KN[k * N + column];
  }
  if (BIAS == 1u) {
    sum += bias_N[column];
  }
  if (RESIDUAL == 1u) {
    sum += residual_MN[index];
  }
  if (ACCUMULATE == 1u) {
    sum += c_MN[index];
  }
  c_MN[index] = sum;
}
`,
  matmul_nn_subgroup: `// matmul_nn_subgroup — c = a b (+ bias) (+ residual) (+ c), for software drivers with subgroups of 8 lanes
// Shapes:   a[M,K] b[K,N] bias[N] residual[M,N] -> c[M,N]          K % 4 = N % 4 = 0
// Dispatch: one subgroup of 8 invocations per 16 x 32 tile of c, in linear order; needs: subgroups, size 8
// Method:   a lane loads each value of the tile's 16 rows once and broadcasts it, and owns 4 columns: on a driver that
//           emulates lanes a load costs 20 times a multiply-add, a broadcast twice. Products added in ascending k
// Source:   register tiling as in Goto & van de Geijn 2008 (doi:10.1145/1356052.1356053); CPU twin matmul.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
enable subgroups;

@group(0) @binding(0) var<storage, read> a_MK: array<vec4f>; // [M,K/4] left factor
@group(0) @binding(1) var<storage, read> b_KN: array<vec4f>; // [K,N/4] right factor
@group(0) @binding(2) var<storage, read> bias_N: array<vec4f>; // [N/4] read only if BIAS
@group(0) @binding(3) var<storage, read> residual_MN: array<vec4f>; // [M,N/4] read only if RESIDUAL
@group(0) @binding(4) var<storage, read_write> c_MN: array<vec4f>; // [M,N/4] read only if ACCUMULATE or CONTINUED
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32; // from one row of a to the next
override BIAS: u32;
override RESIDUAL: u32;
override ACCUMULATE: u32;
override CONTINUED: u32; // the sums go on from what c holds
const ROWS = 16u;
const COLUMNS = 8u; // in vec4

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = first_group + group.y * groups.x + group.x;
  let tiles_across = (N + 31u) / 32u;
  let row = (tile / tiles_across) * ROWS;
  let column = (tile % tiles_across) * COLUMNS + lane;
  if (row >= M) {
    return;
  }
  // Lanes beyond the edge work on the last row or column again and store nothing.
  let safe_column = min(column, N / 4u - 1u);
  let a_low = min(row + lane, M - 1u) * (A_STRIDE / 4u);
  let a_high = min(row + 8u + lane, M - 1u) * (A_STRIDE / 4u);
  var c0 = vec4f();
  var c1 = vec4f();
  var c2 = vec4f();
  var c3 = vec4f();
  var c4 = vec4f();
  var c5 = vec4f();
  var c6 = vec4f();
  var c7 = vec4f();
  var c8 = vec4f();
  var c9 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c12 = vec4f();
  var c13 = vec4f();
  var c14 = vec4f();
  var c15 = vec4f();
  if (CONTINUED == 1u) {
    c0 = c_MN[min(row + 0u, M - 1u) * (N / 4u) + safe_column];
    c1 = c_MN[min(row + 1u, M - 1u) * (N / 4u) + safe_column];
    c2 = c_MN[min(row + 2u, M - 1u) * (N / 4u) + safe_column];
    c3 = c_MN[min(row + 3u, M - 1u) * (N / 4u) + safe_column];
    c4 = c_MN[min(row + 4u, M - 1u) * (N / 4u) + safe_column];
    c5 = c_MN[min(row + 5u, M - 1u) * (N / 4u) + safe_column];
    c6 = c_MN[min(row + 6u, M - 1u) * (N / 4u) + safe_column];
    c7 = c_MN[min(row + 7u, M - 1u) * (N / 4u) + safe_column];
    c8 = c_MN[min(row + 8u, M - 1u) * (N / 4u) + safe_column];
    c9 = c_MN[min(row + 9u, M - 1u) * (N / 4u) + safe_column];
    c10 = c_MN[min(row + 10u, M - 1u) * (N / 4u) + safe_column];
    c11 = c_MN[min(row + 11u, M - 1u) * (N / 4u) + safe_column];
    c12 = c_MN[min(row + 12u, M - 1u) * (N / 4u) + safe_column];
    c13 = c_MN[min(row + 13u, M - 1u) * (N / 4u) + safe_column];
    c14 = c_MN[min(row + 14u, M - 1u) * (N / 4u) + safe_column];
    c15 = c_MN[min(row + 15u, M - 1u) * (N / 4u) + safe_column];
  }
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let k_end = K / 4u * groups.z;
  for (var k = 0u; k < k_end; k++) {
    let low = a_MK[a_low + k];
    let high = a_MK[a_high + k];
    let start = k * N + safe_column;
    let b = mat4x4f(b_KN[start], b_KN[start + N / 4u], b_KN[start + N / 4u * 2u], b_KN[start + N / 4u * 3u]);
    c0 += b * subgroupBroadcast(low, 0u);
    c1 += b * subgroupBroadcast(low, 1u);
    c2 += b * subgroupBroadcast(low, 2u);
    c3 += b * subgroupBroadcast(low, 3u);
    c4 += b * subgroupBroadcast(low, 4u);
    c5 += b * subgroupBroadcast(low, 5u);
    c6 += b * subgroupBroadcast(low, 6u);
    c7 += b * subgroupBroadcast(low, 7u);
    c8 += b * subgroupBroadcast(high, 0u);
    c9 += b * subgroupBroadcast(high, 1u);
    c10 += b * subgroupBroadcast(high, 2u);
    c11 += b * subgroupBroadcast(high, 3u);
    c12 += b * subgroupBroadcast(high, 4u);
    c13 += b * subgroupBroadcast(high, 5u);
    c14 += b * subgroupBroadcast(high, 6u);
    c15 += b * subgroupBroadcast(high, 7u);
  }
  var c = array<vec4f, ROWS>(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15);
  if (column * 4u >= N) {
    return;
  }
  var bias = vec4f();
  if (BIAS == 1u) {
    bias = bias_N[column];
  }
  let i_end = min(ROWS, M - row) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let index = (row + i) * (N / 4u) + column;
    var sum = c[i] + bias;
    if (RESIDUAL == 1u) {
      sum += residual_MN[index];
    }
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}
`,
  matmul_nn_tile: `// matmul_nn_tile — c = a b (+ bias) (+ residual) (+ c), any size, no cooperation between invocations
// Shapes:   a[M,K] b[K,N] bias[N] residual[M,N] -> c[M,N]
// Dispatch: one invocation per 4 x 4 tile of c, WG threads in linear order; needs: f32 only
// Method:   register tile, products added in ascending k; edges read the last row or column again and store nothing
// Source:   register tiling as in Goto & van de Geijn 2008 (doi:10.1145/1356052.1356053); CPU twin matmul.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_KN: array<f32>; // [K,N] right factor
@group(0) @binding(2) var<storage, read> bias_N: array<f32>; // [N] read only if BIAS
@group(0) @binding(3) var<storage, read> residual_MN: array<f32>; // [M,N] read only if RESIDUAL
@group(0) @binding(4) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE or CONTINUED
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32; // from one row of a to the next
override BIAS: u32;
override RESIDUAL: u32;
override ACCUMULATE: u32;
override CONTINUED: u32; // the sums go on from what c holds

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = (first_group + group.y * groups.x + group.x) * WG + lane;
  let tiles_across = (N + 3u) / 4u;
  let row = tile / tiles_across * 4u;
  let column = tile % tiles_across * 4u;
  if (row >= M) {
    return;
  }
  let rows = min(row + vec4u(0u, 1u, 2u, 3u), vec4u(M - 1u));
  let columns = min(column + vec4u(0u, 1u, 2u, 3u), vec4u(N - 1u));
  let a_rows = rows * A_STRIDE;
  var c0 = vec4f();
  var c1 = vec4f();
  var c2 = vec4f();
  var c3 = vec4f();
  if (CONTINUED == 1u) {
    let at0 = rows.x * N + columns;
    let at1 = rows.y * N + columns;
    let at2 = rows.z * N + columns;
    let at3 = rows.w * N + columns;
    c0 = vec4f(c_MN[at0.x], c_MN[at0.y], c_MN[at0.z], c_MN[at0.w]);
    c1 = vec4f(c_MN[at1.x], c_MN[at1.y], c_MN[at1.z], c_MN[at1.w]);
    c2 = vec4f(c_MN[at2.x], c_MN[at2.y], c_MN[at2.z], c_MN[at2.w]);
    c3 = vec4f(c_MN[at3.x], c_MN[at3.y], c_MN[at3.z], c_MN[at3.w]);
  }
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let k_end = K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    let a = vec4f(a_MK[a_rows.x + k], a_MK[a_rows.y + k], a_MK[a_rows.z + k], a_MK[a_rows.w + k]);
    let b = vec4f(b_KN[k * N + columns.x], b_KN[k * N + columns.y], b_KN[k * N + columns.z], b_KN[k * N + columns.w]);
    c0 += a.x * b;
    c1 += a.y * b;
    c2 += a.z * b;
    c3 += a.w * b;
  }
  let c = array<vec4f, 4>(c0, c1, c2, c3);
  let i_end = min(16u, (M - row) * 4u) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let c_column = column + i % 4u;
    if (c_column < N) {
      let index = (row + i / 4u) * N + c_column;
      var sum = c[i / 4u][i % 4u];
      if (BIAS == 1u) {
        sum += bias_N[c_column];
      }
      if (RESIDUAL == 1u) {
        sum += residual_MN[index];
      }
      if (ACCUMULATE == 1u) {
        sum += c_MN[index];
      }
      c_MN[index] = sum;
    }
  }
}
`,
  matmul_nn_workgroup: `// matmul_nn_workgroup — c = a b (+ bias) (+ residual) (+ c), any size, for GPUs
// Shapes:   a[M,K] b[K,N] bias[N] residual[M,N] -> c[M,N]
// Dispatch: one workgroup of 256 invocations per 64 x 64 tile of c, in linear order; needs: 256 invocations, 8 KiB
// Method:   16 k at a time through workgroup memory (zeros beyond the edges), 4 x 4 results per invocation, ascending k
// Source:   tiling as in Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); CPU twin matmul.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_KN: array<f32>; // [K,N] right factor
@group(0) @binding(2) var<storage, read> bias_N: array<f32>; // [N] read only if BIAS
@group(0) @binding(3) var<storage, read> residual_MN: array<f32>; // [M,N] read only if RESIDUAL
@group(0) @binding(4) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE or CONTINUED
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32; // from one row of a to the next
override BIAS: u32;
override RESIDUAL: u32;
override ACCUMULATE: u32;
override CONTINUED: u32; // the sums go on from what c holds
const TILE = 64u;
const STEP = 16u;
var<workgroup> a_tile: array<array<f32, TILE>, STEP>; // [k][row]
var<workgroup> b_tile: array<array<f32, TILE>, STEP>; // [k][column]

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = first_group + group.y * groups.x + group.x;
  let tiles_across = (N + TILE - 1u) / TILE;
  let tile_row = tile / tiles_across * TILE;
  let tile_column = tile % tiles_across * TILE;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (tile_row >= M) {
    return;
  }
  // Results are 16 apart, so that neighbours read neighbouring words of workgroup memory.
  let x = lane % 16u;
  let y = lane / 16u;
  var c0 = vec4f();
  var c1 = vec4f();
  var c2 = vec4f();
  var c3 = vec4f();
  if (CONTINUED == 1u) {
    let rows = min(tile_row + y + vec4u(0u, 16u, 32u, 48u), vec4u(M - 1u)) * N;
    let columns = min(tile_column + x + vec4u(0u, 16u, 32u, 48u), vec4u(N - 1u));
    c0 = vec4f(c_MN[rows.x + columns.x], c_MN[rows.x + columns.y], c_MN[rows.x + columns.z], c_MN[rows.x + columns.w]);
    c1 = vec4f(c_MN[rows.y + columns.x], c_MN[rows.y + columns.y], c_MN[rows.y + columns.z], c_MN[rows.y + columns.w]);
    c2 = vec4f(c_MN[rows.z + columns.x], c_MN[rows.z + columns.y], c_MN[rows.z + columns.z], c_MN[rows.z + columns.w]);
    c3 = vec4f(c_MN[rows.w + columns.x], c_MN[rows.w + columns.y], c_MN[rows.w + columns.z], c_MN[rows.w + columns.w]);
  }
  for (var start = 0u; start < K; start += STEP) {
    for (var i = lane; i < TILE * STEP; i += 256u) {
      {
        let k = i % STEP;
        let row = i / STEP;
        let inside = start + k < K && tile_row + row < M;
        // select evaluates both: the address is clamped first.
        let value = a_MK[min(tile_row + row, M - 1u) * A_STRIDE + min(start + k, K - 1u)];
        a_tile[k][row] = select(0.0, value, inside);
      }
      {
        let k = i / TILE;
        let column = i % TILE;
        let inside = start + k < K && tile_column + column < N;
        // select evaluates both: the address is clamped first.
        let value = b_KN[min(start + k, K - 1u) * N + min(tile_column + column, N - 1u)];
        b_tile[k][column] = select(0.0, value, inside);
      }
    }
    workgroupBarrier();
    for (var k = 0u; k < STEP; k++) {
      let b = vec4f(b_tile[k][x], b_tile[k][x + 16u], b_tile[k][x + 32u], b_tile[k][x + 48u]);
      c0 += a_tile[k][y] * b;
      c1 += a_tile[k][y + 16u] * b;
      c2 += a_tile[k][y + 32u] * b;
      c3 += a_tile[k][y + 48u] * b;
    }
    workgroupBarrier();
  }
  let c = array<vec4f, 4>(c0, c1, c2, c3);
  for (var i = 0u; i < 16u; i++) {
    let row = tile_row + y + i / 4u * 16u;
    let column = tile_column + x + i % 4u * 16u;
    if (row < M && column < N) {
      let index = row * N + column;
      var sum = c[i / 4u][i % 4u];
      if (BIAS == 1u) {
        sum += bias_N[column];
      }
      if (RESIDUAL == 1u) {
        sum += residual_MN[index];
      }
      if (ACCUMULATE == 1u) {
        sum += c_MN[index];
      }
      c_MN[index] = sum;
    }
  }
}
`,
  matmul_nt_add_128x128: `// matmul_nt_add_128x128 — c = a bᵀ, y = residual + c, for GPUs
// Shapes:   a[M,K] b[N,K] residual[M,N] -> c[M,N] y[M,N]
// Dispatch: 256 invocations per 128 x 128 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<vec4f>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_NK: array<vec4f>; // [N,K] right factor, transposed
@group(0) @binding(2) var<storage, read> residual_MN: array<f32>; // [M,N] is added to
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>; // [M,N] product
@group(0) @binding(4) var<storage, read_write> y_MN: array<f32>; // [M,N] what follows from it
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 128u;
const COLUMNS = 128u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  return select(vec4f(), a_MK[(start + min(k, K - 4u)) / 4u], IS_WHOLE || k < K);
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(column, N - 1u) * K;
  return select(vec4f(), b_NK[(start + min(k, K - 4u)) / 4u], IS_WHOLE || k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  let turned = mat4x4f(b_four(at.x, at.y), b_four(at.x + 1u, at.y), b_four(at.x + 2u, at.y), b_four(at.x + 3u, at.y));
  return transpose(turned);
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    y_MN[index] = residual_MN[index] + sum;
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 256u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 256u, block0);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 256u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nt_add_128x128_any: `// matmul_nt_add_128x128_any — c = a bᵀ, y = residual + c, for GPUs
// Shapes:   a[M,K] b[N,K] residual[M,N] -> c[M,N] y[M,N]
// Dispatch: 256 invocations per 128 x 128 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_NK: array<f32>; // [N,K] right factor, transposed
@group(0) @binding(2) var<storage, read> residual_MN: array<f32>; // [M,N] is added to
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>; // [M,N] product
@group(0) @binding(4) var<storage, read_write> y_MN: array<f32>; // [M,N] what follows from it
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 128u;
const COLUMNS = 128u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  let at = start + min(k + FOUR, vec4u(K - 1u));
  return select(vec4f(), vec4f(a_MK[at.x], a_MK[at.y], a_MK[at.z], a_MK[at.w]), k + FOUR < vec4u(K));
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(column, N - 1u) * K;
  let at = start + min(k + FOUR, vec4u(K - 1u));
  return select(vec4f(), vec4f(b_NK[at.x], b_NK[at.y], b_NK[at.z], b_NK[at.w]), k + FOUR < vec4u(K));
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  let turned = mat4x4f(b_four(at.x, at.y), b_four(at.x + 1u, at.y), b_four(at.x + 2u, at.y), b_four(at.x + 3u, at.y));
  return transpose(turned);
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    y_MN[index] = residual_MN[index] + sum;
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 256u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 256u, block0);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 256u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nt_add_128x64: `// matmul_nt_add_128x64 — c = a bᵀ, y = residual + c, for GPUs
// Shapes:   a[M,K] b[N,K] residual[M,N] -> c[M,N] y[M,N]
// Dispatch: 128 invocations per 128 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<vec4f>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_NK: array<vec4f>; // [N,K] right factor, transposed
@group(0) @binding(2) var<storage, read> residual_MN: array<f32>; // [M,N] is added to
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>; // [M,N] product
@group(0) @binding(4) var<storage, read_write> y_MN: array<f32>; // [M,N] what follows from it
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 128u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  return select(vec4f(), a_MK[(start + min(k, K - 4u)) / 4u], IS_WHOLE || k < K);
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(column, N - 1u) * K;
  return select(vec4f(), b_NK[(start + min(k, K - 4u)) / 4u], IS_WHOLE || k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  let turned = mat4x4f(b_four(at.x, at.y), b_four(at.x + 1u, at.y), b_four(at.x + 2u, at.y), b_four(at.x + 3u, at.y));
  return transpose(turned);
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  if (block >= ROWS + COLUMNS) {
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    y_MN[index] = residual_MN[index] + sum;
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(128)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 128u, corner, k_begin);
  var block1 = fetched(lane + 1u * 128u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 128u, block0);
    keep(lane + 1u * 128u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 128u, corner, start + STEP);
      block1 = fetched(lane + 1u * 128u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nt_add_128x64_any: `// matmul_nt_add_128x64_any — c = a bᵀ, y = residual + c, for GPUs
// Shapes:   a[M,K] b[N,K] residual[M,N] -> c[M,N] y[M,N]
// Dispatch: 128 invocations per 128 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_NK: array<f32>; // [N,K] right factor, transposed
@group(0) @binding(2) var<storage, read> residual_MN: array<f32>; // [M,N] is added to
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>; // [M,N] product
@group(0) @binding(4) var<storage, read_write> y_MN: array<f32>; // [M,N] what follows from it
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 128u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  let at = start + min(k + FOUR, vec4u(K - 1u));
  return select(vec4f(), vec4f(a_MK[at.x], a_MK[at.y], a_MK[at.z], a_MK[at.w]), k + FOUR < vec4u(K));
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(column, N - 1u) * K;
  let at = start + min(k + FOUR, vec4u(K - 1u));
  return select(vec4f(), vec4f(b_NK[at.x], b_NK[at.y], b_NK[at.z], b_NK[at.w]), k + FOUR < vec4u(K));
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  let turned = mat4x4f(b_four(at.x, at.y), b_four(at.x + 1u, at.y), b_four(at.x + 2u, at.y), b_four(at.x + 3u, at.y));
  return transpose(turned);
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  if (block >= ROWS + COLUMNS) {
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    y_MN[index] = residual_MN[index] + sum;
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(128)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 128u, corner, k_begin);
  var block1 = fetched(lane + 1u * 128u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 128u, block0);
    keep(lane + 1u * 128u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 128u, corner, start + STEP);
      block1 = fetched(lane + 1u * 128u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nt_add_64x64: `// matmul_nt_add_64x64 — c = a bᵀ, y = residual + c, for GPUs
// Shapes:   a[M,K] b[N,K] residual[M,N] -> c[M,N] y[M,N]
// Dispatch: 64 invocations per 64 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<vec4f>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_NK: array<vec4f>; // [N,K] right factor, transposed
@group(0) @binding(2) var<storage, read> residual_MN: array<f32>; // [M,N] is added to
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>; // [M,N] product
@group(0) @binding(4) var<storage, read_write> y_MN: array<f32>; // [M,N] what follows from it
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 64u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  return select(vec4f(), a_MK[(start + min(k, K - 4u)) / 4u], IS_WHOLE || k < K);
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(column, N - 1u) * K;
  return select(vec4f(), b_NK[(start + min(k, K - 4u)) / 4u], IS_WHOLE || k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  let turned = mat4x4f(b_four(at.x, at.y), b_four(at.x + 1u, at.y), b_four(at.x + 2u, at.y), b_four(at.x + 3u, at.y));
  return transpose(turned);
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    y_MN[index] = residual_MN[index] + sum;
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 64u, corner, k_begin);
  var block1 = fetched(lane + 1u * 64u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 64u, block0);
    keep(lane + 1u * 64u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 64u, corner, start + STEP);
      block1 = fetched(lane + 1u * 64u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nt_add_64x64_any: `// matmul_nt_add_64x64_any — c = a bᵀ, y = residual + c, for GPUs
// Shapes:   a[M,K] b[N,K] residual[M,N] -> c[M,N] y[M,N]
// Dispatch: 64 invocations per 64 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_NK: array<f32>; // [N,K] right factor, transposed
@group(0) @binding(2) var<storage, read> residual_MN: array<f32>; // [M,N] is added to
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>; // [M,N] product
@group(0) @binding(4) var<storage, read_write> y_MN: array<f32>; // [M,N] what follows from it
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 64u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  let at = start + min(k + FOUR, vec4u(K - 1u));
  return select(vec4f(), vec4f(a_MK[at.x], a_MK[at.y], a_MK[at.z], a_MK[at.w]), k + FOUR < vec4u(K));
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(column, N - 1u) * K;
  let at = start + min(k + FOUR, vec4u(K - 1u));
  return select(vec4f(), vec4f(b_NK[at.x], b_NK[at.y], b_NK[at.z], b_NK[at.w]), k + FOUR < vec4u(K));
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  let turned = mat4x4f(b_four(at.x, at.y), b_four(at.x + 1u, at.y), b_four(at.x + 2u, at.y), b_four(at.x + 3u, at.y));
  return transpose(turned);
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    y_MN[index] = residual_MN[index] + sum;
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 64u, corner, k_begin);
  var block1 = fetched(lane + 1u * 64u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 64u, block0);
    keep(lane + 1u * 64u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 64u, corner, start + STEP);
      block1 = fetched(lane + 1u * 64u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nt_add_scalar: `// matmul_nt_add_scalar — c = a bᵀ, y = residual + c: the reference that the faster variants are checked against
// Shapes:   a[M,K] b[N,K] residual[M,N] -> c[M,N] y[M,N]
// Dispatch: one invocation per element of c, WG threads in linear order; needs: f32 only
// Method:   one dot product in ascending k; arguments of tanh and exp are clamped: large ones give NaN on some drivers
// Source:   definitions as in gelu_forward.wgsl, swiglu_forward.wgsl and add.wgsl; CPU twin matmul-fused.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_NK: array<f32>; // [N,K] right factor, transposed
@group(0) @binding(2) var<storage, read> residual_MN: array<f32>; // [M,N] is added to
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>; // [M,N] product
@group(0) @binding(4) var<storage, read_write> y_MN: array<f32>; // [M,N] what follows from it
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override M: u32;
override K: u32;
override N: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= M * N) {
    return;
  }
  let row = index / N;
  let column = index % N;
  var sum = 0.0;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let k_end = K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    sum += a_MK[row * K + k] * b_NK[column * K + k];
  }
  y_MN[index] = residual_MN[index] + sum;
  c_MN[index] = sum;
}
`,
  matmul_nt_block_128x128: `// matmul_nt_block_128x128 — c = a bᵀ (+ c), for GPUs
// Shapes:   a[M,K] b[N,K] -> c[M,N]
// Dispatch: 256 invocations per 128 x 128 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<vec4f>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_NK: array<vec4f>; // [N,K] right factor, transposed
@group(0) @binding(2) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 128u;
const COLUMNS = 128u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  return select(vec4f(), a_MK[(start + min(k, K - 4u)) / 4u], IS_WHOLE || k < K);
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(column, N - 1u) * K;
  return select(vec4f(), b_NK[(start + min(k, K - 4u)) / 4u], IS_WHOLE || k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  let turned = mat4x4f(b_four(at.x, at.y), b_four(at.x + 1u, at.y), b_four(at.x + 2u, at.y), b_four(at.x + 3u, at.y));
  return transpose(turned);
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 256u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 256u, block0);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 256u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nt_block_128x128_any: `// matmul_nt_block_128x128_any — c = a bᵀ (+ c), for GPUs
// Shapes:   a[M,K] b[N,K] -> c[M,N]
// Dispatch: 256 invocations per 128 x 128 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_NK: array<f32>; // [N,K] right factor, transposed
@group(0) @binding(2) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 128u;
const COLUMNS = 128u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  let at = start + min(k + FOUR, vec4u(K - 1u));
  return select(vec4f(), vec4f(a_MK[at.x], a_MK[at.y], a_MK[at.z], a_MK[at.w]), k + FOUR < vec4u(K));
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(column, N - 1u) * K;
  let at = start + min(k + FOUR, vec4u(K - 1u));
  return select(vec4f(), vec4f(b_NK[at.x], b_NK[at.y], b_NK[at.z], b_NK[at.w]), k + FOUR < vec4u(K));
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  let turned = mat4x4f(b_four(at.x, at.y), b_four(at.x + 1u, at.y), b_four(at.x + 2u, at.y), b_four(at.x + 3u, at.y));
  return transpose(turned);
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 256u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 256u, block0);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 256u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nt_block_128x64: `// matmul_nt_block_128x64 — c = a bᵀ (+ c), for GPUs
// Shapes:   a[M,K] b[N,K] -> c[M,N]
// Dispatch: 128 invocations per 128 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<vec4f>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_NK: array<vec4f>; // [N,K] right factor, transposed
@group(0) @binding(2) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 128u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  return select(vec4f(), a_MK[(start + min(k, K - 4u)) / 4u], IS_WHOLE || k < K);
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(column, N - 1u) * K;
  return select(vec4f(), b_NK[(start + min(k, K - 4u)) / 4u], IS_WHOLE || k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  let turned = mat4x4f(b_four(at.x, at.y), b_four(at.x + 1u, at.y), b_four(at.x + 2u, at.y), b_four(at.x + 3u, at.y));
  return transpose(turned);
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  if (block >= ROWS + COLUMNS) {
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(128)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 128u, corner, k_begin);
  var block1 = fetched(lane + 1u * 128u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 128u, block0);
    keep(lane + 1u * 128u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 128u, corner, start + STEP);
      block1 = fetched(lane + 1u * 128u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nt_block_128x64_any: `// matmul_nt_block_128x64_any — c = a bᵀ (+ c), for GPUs
// Shapes:   a[M,K] b[N,K] -> c[M,N]
// Dispatch: 128 invocations per 128 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_NK: array<f32>; // [N,K] right factor, transposed
@group(0) @binding(2) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 128u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  let at = start + min(k + FOUR, vec4u(K - 1u));
  return select(vec4f(), vec4f(a_MK[at.x], a_MK[at.y], a_MK[at.z], a_MK[at.w]), k + FOUR < vec4u(K));
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(column, N - 1u) * K;
  let at = start + min(k + FOUR, vec4u(K - 1u));
  return select(vec4f(), vec4f(b_NK[at.x], b_NK[at.y], b_NK[at.z], b_NK[at.w]), k + FOUR < vec4u(K));
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  let turned = mat4x4f(b_four(at.x, at.y), b_four(at.x + 1u, at.y), b_four(at.x + 2u, at.y), b_four(at.x + 3u, at.y));
  return transpose(turned);
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  if (block >= ROWS + COLUMNS) {
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(128)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 128u, corner, k_begin);
  var block1 = fetched(lane + 1u * 128u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 128u, block0);
    keep(lane + 1u * 128u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 128u, corner, start + STEP);
      block1 = fetched(lane + 1u * 128u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nt_block_64x64: `// matmul_nt_block_64x64 — c = a bᵀ (+ c), for GPUs
// Shapes:   a[M,K] b[N,K] -> c[M,N]
// Dispatch: 64 invocations per 64 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<vec4f>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_NK: array<vec4f>; // [N,K] right factor, transposed
@group(0) @binding(2) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 64u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  return select(vec4f(), a_MK[(start + min(k, K - 4u)) / 4u], IS_WHOLE || k < K);
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(column, N - 1u) * K;
  return select(vec4f(), b_NK[(start + min(k, K - 4u)) / 4u], IS_WHOLE || k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  let turned = mat4x4f(b_four(at.x, at.y), b_four(at.x + 1u, at.y), b_four(at.x + 2u, at.y), b_four(at.x + 3u, at.y));
  return transpose(turned);
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 64u, corner, k_begin);
  var block1 = fetched(lane + 1u * 64u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 64u, block0);
    keep(lane + 1u * 64u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 64u, corner, start + STEP);
      block1 = fetched(lane + 1u * 64u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nt_block_64x64_any: `// matmul_nt_block_64x64_any — c = a bᵀ (+ c), for GPUs
// Shapes:   a[M,K] b[N,K] -> c[M,N]
// Dispatch: 64 invocations per 64 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_NK: array<f32>; // [N,K] right factor, transposed
@group(0) @binding(2) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 64u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  let at = start + min(k + FOUR, vec4u(K - 1u));
  return select(vec4f(), vec4f(a_MK[at.x], a_MK[at.y], a_MK[at.z], a_MK[at.w]), k + FOUR < vec4u(K));
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(column, N - 1u) * K;
  let at = start + min(k + FOUR, vec4u(K - 1u));
  return select(vec4f(), vec4f(b_NK[at.x], b_NK[at.y], b_NK[at.z], b_NK[at.w]), k + FOUR < vec4u(K));
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  let turned = mat4x4f(b_four(at.x, at.y), b_four(at.x + 1u, at.y), b_four(at.x + 2u, at.y), b_four(at.x + 3u, at.y));
  return transpose(turned);
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 64u, corner, k_begin);
  var block1 = fetched(lane + 1u * 64u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 64u, block0);
    keep(lane + 1u * 64u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 64u, corner, start + STEP);
      block1 = fetched(lane + 1u * 64u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nt_parts_64x64: `// matmul_nt_parts_64x64 — parts = a bᵀ, each of some k alone, for GPUs
// Shapes:   a[M,K] b[N,K] -> parts[P,M,N]
// Dispatch: 64 invocations per 64 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<vec4f>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_NK: array<vec4f>; // [N,K] right factor, transposed
@group(0) @binding(2) var<storage, read_write> parts_PMN: array<f32>; // [P,M,N] a sum for each part
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override P: u32;
override PART_K: u32; // products of a part, in whole slabs of 16
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 64u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  return select(vec4f(), a_MK[(start + min(k, K - 4u)) / 4u], IS_WHOLE || k < K);
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(column, N - 1u) * K;
  return select(vec4f(), b_NK[(start + min(k, K - 4u)) / 4u], IS_WHOLE || k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  let turned = mat4x4f(b_four(at.x, at.y), b_four(at.x + 1u, at.y), b_four(at.x + 2u, at.y), b_four(at.x + 3u, at.y));
  return transpose(turned);
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    parts_PMN[(part * M + row) * N + column + i] = sums[i];
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = part * PART_K;
  let k_end = min(K, k_begin + PART_K);
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= P) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 64u, corner, k_begin);
  var block1 = fetched(lane + 1u * 64u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 64u, block0);
    keep(lane + 1u * 64u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 64u, corner, start + STEP);
      block1 = fetched(lane + 1u * 64u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nt_parts_64x64_any: `// matmul_nt_parts_64x64_any — parts = a bᵀ, each of some k alone, for GPUs
// Shapes:   a[M,K] b[N,K] -> parts[P,M,N]
// Dispatch: 64 invocations per 64 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_NK: array<f32>; // [N,K] right factor, transposed
@group(0) @binding(2) var<storage, read_write> parts_PMN: array<f32>; // [P,M,N] a sum for each part
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override P: u32;
override PART_K: u32; // products of a part, in whole slabs of 16
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 64u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  let at = start + min(k + FOUR, vec4u(K - 1u));
  return select(vec4f(), vec4f(a_MK[at.x], a_MK[at.y], a_MK[at.z], a_MK[at.w]), k + FOUR < vec4u(K));
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(column, N - 1u) * K;
  let at = start + min(k + FOUR, vec4u(K - 1u));
  return select(vec4f(), vec4f(b_NK[at.x], b_NK[at.y], b_NK[at.z], b_NK[at.w]), k + FOUR < vec4u(K));
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  let turned = mat4x4f(b_four(at.x, at.y), b_four(at.x + 1u, at.y), b_four(at.x + 2u, at.y), b_four(at.x + 3u, at.y));
  return transpose(turned);
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    parts_PMN[(part * M + row) * N + column + i] = sums[i];
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = part * PART_K;
  let k_end = min(K, k_begin + PART_K);
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= P) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 64u, corner, k_begin);
  var block1 = fetched(lane + 1u * 64u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 64u, block0);
    keep(lane + 1u * 64u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 64u, corner, start + STEP);
      block1 = fetched(lane + 1u * 64u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nt_parts_scalar: `// matmul_nt_parts_scalar — parts = a bᵀ, each of some k alone: the reference that the faster variants are checked against
// Shapes:   a[M,K] b[N,K] -> parts[P,M,N]
// Dispatch: one invocation per element of parts, WG threads in linear order; needs: f32 only
// Method:   one dot product in ascending k, of PART_K products or of those that are left
// Source:   definition; CPU twin matmul-parts.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_NK: array<f32>; // [N,K] right factor, transposed
@group(0) @binding(2) var<storage, read_write> parts_PMN: array<f32>; // [P,M,N] a sum for each part
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override M: u32;
override K: u32;
override N: u32;
override P: u32;
override PART_K: u32; // products of a part

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= P * M * N) {
    return;
  }
  let part = index / (M * N);
  let row = index / N % M;
  let column = index % N;
  var sum = 0.0;
  let k_end = min(K, (part + 1u) * PART_K);
  for (var k = part * PART_K; k < k_end; k++) {
    sum += a_MK[row * K + k] * b_NK[column * K + k];
  }
  parts_PMN[index] = sum;
}
`,
  matmul_nt_scalar: `// matmul_nt_scalar — c = a bᵀ (+ c): the reference that every faster variant is checked against
// Shapes:   a[M,K] b[N,K] -> c[M,N]
// Dispatch: one invocation per element of c, WG threads in linear order; needs: f32 only
// Method:   one dot product in ascending k
// Source:   definition; CPU twin matmul.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_NK: array<f32>; // [N,K] right factor, transposed
@group(0) @binding(2) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override M: u32;
override K: u32;
override N: u32;
override C_STRIDE: u32; // from one row of c to the next
override ACCUMULATE: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= M * N) {
    return;
  }
  let row = index / N;
  let column = index % N;
  let c_index = row * C_STRIDE + column;
  var sum = 0.0;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let k_end = K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    sum += a_MK[row * K + k] * b_NK[column * K + k];
  }
  if (ACCUMULATE == 1u) {
    sum += c_MN[c_index];
  }
  c_MN[c_index] = sum;
}
`,
  matmul_nt_subgroup: `// matmul_nt_subgroup — c = a bᵀ (+ c), for software drivers with subgroups of 8 lanes
// Shapes:   a[M,K] b[N,K] -> c[M,N]          K % 4 = N % 4 = 0
// Dispatch: one subgroup of 8 invocations per 16 x 32 tile of c, in linear order; needs: subgroups, size 8
// Method:   a lane loads each value of the tile's 16 rows once and broadcasts it, and owns 4 columns: on a driver that
//           emulates lanes a load costs 20 times a multiply-add, a broadcast twice. Products added in ascending k
// Source:   register tiling as in Goto & van de Geijn 2008 (doi:10.1145/1356052.1356053); CPU twin matmul.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
enable subgroups;

@group(0) @binding(0) var<storage, read> a_MK: array<vec4f>; // [M,K/4] left factor
@group(0) @binding(1) var<storage, read> b_NK: array<vec4f>; // [N,K/4] right factor, transposed
@group(0) @binding(2) var<storage, read_write> c_MN: array<vec4f>; // [M,N/4] result, read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override C_STRIDE: u32; // from one row of c to the next
override ACCUMULATE: u32;
const ROWS = 16u;
const COLUMNS = 8u; // in vec4

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = first_group + group.y * groups.x + group.x;
  let tiles_across = (N + 31u) / 32u;
  let row = (tile / tiles_across) * ROWS;
  let column = (tile % tiles_across) * COLUMNS + lane;
  if (row >= M) {
    return;
  }
  // Lanes beyond the edge work on the last row or column again and store nothing.
  let safe_column = min(column, N / 4u - 1u);
  let a_low = min(row + lane, M - 1u) * (K / 4u);
  let a_high = min(row + 8u + lane, M - 1u) * (K / 4u);
  var c0 = vec4f();
  var c1 = vec4f();
  var c2 = vec4f();
  var c3 = vec4f();
  var c4 = vec4f();
  var c5 = vec4f();
  var c6 = vec4f();
  var c7 = vec4f();
  var c8 = vec4f();
  var c9 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c12 = vec4f();
  var c13 = vec4f();
  var c14 = vec4f();
  var c15 = vec4f();
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let k_end = K / 4u * groups.z;
  for (var k = 0u; k < k_end; k++) {
    let low = a_MK[a_low + k];
    let high = a_MK[a_high + k];
    let start = safe_column * K + k;
    // A row of b holds four k of one column of c: transposed, each holds four columns of c at one k.
    let b = transpose(
      mat4x4f(b_NK[start], b_NK[start + K / 4u], b_NK[start + K / 4u * 2u], b_NK[start + K / 4u * 3u]),
    );
    c0 += b * subgroupBroadcast(low, 0u);
    c1 += b * subgroupBroadcast(low, 1u);
    c2 += b * subgroupBroadcast(low, 2u);
    c3 += b * subgroupBroadcast(low, 3u);
    c4 += b * subgroupBroadcast(low, 4u);
    c5 += b * subgroupBroadcast(low, 5u);
    c6 += b * subgroupBroadcast(low, 6u);
    c7 += b * subgroupBroadcast(low, 7u);
    c8 += b * subgroupBroadcast(high, 0u);
    c9 += b * subgroupBroadcast(high, 1u);
    c10 += b * subgroupBroadcast(high, 2u);
    c11 += b * subgroupBroadcast(high, 3u);
    c12 += b * subgroupBroadcast(high, 4u);
    c13 += b * subgroupBroadcast(high, 5u);
    c14 += b * subgroupBroadcast(high, 6u);
    c15 += b * subgroupBroadcast(high, 7u);
  }
  var c = array<vec4f, ROWS>(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15);
  if (column * 4u >= N) {
    return;
  }
  let i_end = min(ROWS, M - row) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let index = (row + i) * (C_STRIDE / 4u) + column;
    var sum = c[i];
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}
`,
  matmul_nt_swiglu_128x128: `// matmul_nt_swiglu_128x128 — c = a bᵀ, y = silu(gate) c, for GPUs
// Shapes:   a[M,K] b[N,K] gate[M,N] -> c[M,N] y[M,N]
// Dispatch: 256 invocations per 128 x 128 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<vec4f>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_NK: array<vec4f>; // [N,K] right factor, transposed
@group(0) @binding(2) var<storage, read> gate_MN: array<f32>; // [M,N] goes through SiLU
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>; // [M,N] product
@group(0) @binding(4) var<storage, read_write> y_MN: array<f32>; // [M,N] what follows from it
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 128u;
const COLUMNS = 128u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  return select(vec4f(), a_MK[(start + min(k, K - 4u)) / 4u], IS_WHOLE || k < K);
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(column, N - 1u) * K;
  return select(vec4f(), b_NK[(start + min(k, K - 4u)) / 4u], IS_WHOLE || k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  let turned = mat4x4f(b_four(at.x, at.y), b_four(at.x + 1u, at.y), b_four(at.x + 2u, at.y), b_four(at.x + 3u, at.y));
  return transpose(turned);
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    let gate = gate_MN[index];
    y_MN[index] = gate * (1.0 / (1.0 + exp(clamp(-gate, -80.0, 80.0)))) * sum;
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 256u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 256u, block0);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 256u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nt_swiglu_128x128_any: `// matmul_nt_swiglu_128x128_any — c = a bᵀ, y = silu(gate) c, for GPUs
// Shapes:   a[M,K] b[N,K] gate[M,N] -> c[M,N] y[M,N]
// Dispatch: 256 invocations per 128 x 128 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_NK: array<f32>; // [N,K] right factor, transposed
@group(0) @binding(2) var<storage, read> gate_MN: array<f32>; // [M,N] goes through SiLU
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>; // [M,N] product
@group(0) @binding(4) var<storage, read_write> y_MN: array<f32>; // [M,N] what follows from it
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 128u;
const COLUMNS = 128u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  let at = start + min(k + FOUR, vec4u(K - 1u));
  return select(vec4f(), vec4f(a_MK[at.x], a_MK[at.y], a_MK[at.z], a_MK[at.w]), k + FOUR < vec4u(K));
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(column, N - 1u) * K;
  let at = start + min(k + FOUR, vec4u(K - 1u));
  return select(vec4f(), vec4f(b_NK[at.x], b_NK[at.y], b_NK[at.z], b_NK[at.w]), k + FOUR < vec4u(K));
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  let turned = mat4x4f(b_four(at.x, at.y), b_four(at.x + 1u, at.y), b_four(at.x + 2u, at.y), b_four(at.x + 3u, at.y));
  return transpose(turned);
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    let gate = gate_MN[index];
    y_MN[index] = gate * (1.0 / (1.0 + exp(clamp(-gate, -80.0, 80.0)))) * sum;
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 256u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 256u, block0);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 256u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nt_swiglu_128x64: `// matmul_nt_swiglu_128x64 — c = a bᵀ, y = silu(gate) c, for GPUs
// Shapes:   a[M,K] b[N,K] gate[M,N] -> c[M,N] y[M,N]
// Dispatch: 128 invocations per 128 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<vec4f>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_NK: array<vec4f>; // [N,K] right factor, transposed
@group(0) @binding(2) var<storage, read> gate_MN: array<f32>; // [M,N] goes through SiLU
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>; // [M,N] product
@group(0) @binding(4) var<storage, read_write> y_MN: array<f32>; // [M,N] what follows from it
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 128u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  return select(vec4f(), a_MK[(start + min(k, K - 4u)) / 4u], IS_WHOLE || k < K);
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(column, N - 1u) * K;
  return select(vec4f(), b_NK[(start + min(k, K - 4u)) / 4u], IS_WHOLE || k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  let turned = mat4x4f(b_four(at.x, at.y), b_four(at.x + 1u, at.y), b_four(at.x + 2u, at.y), b_four(at.x + 3u, at.y));
  return transpose(turned);
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  if (block >= ROWS + COLUMNS) {
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    let gate = gate_MN[index];
    y_MN[index] = gate * (1.0 / (1.0 + exp(clamp(-gate, -80.0, 80.0)))) * sum;
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(128)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 128u, corner, k_begin);
  var block1 = fetched(lane + 1u * 128u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 128u, block0);
    keep(lane + 1u * 128u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 128u, corner, start + STEP);
      block1 = fetched(lane + 1u * 128u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nt_swiglu_128x64_any: `// matmul_nt_swiglu_128x64_any — c = a bᵀ, y = silu(gate) c, for GPUs
// Shapes:   a[M,K] b[N,K] gate[M,N] -> c[M,N] y[M,N]
// Dispatch: 128 invocations per 128 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_NK: array<f32>; // [N,K] right factor, transposed
@group(0) @binding(2) var<storage, read> gate_MN: array<f32>; // [M,N] goes through SiLU
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>; // [M,N] product
@group(0) @binding(4) var<storage, read_write> y_MN: array<f32>; // [M,N] what follows from it
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 128u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  let at = start + min(k + FOUR, vec4u(K - 1u));
  return select(vec4f(), vec4f(a_MK[at.x], a_MK[at.y], a_MK[at.z], a_MK[at.w]), k + FOUR < vec4u(K));
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(column, N - 1u) * K;
  let at = start + min(k + FOUR, vec4u(K - 1u));
  return select(vec4f(), vec4f(b_NK[at.x], b_NK[at.y], b_NK[at.z], b_NK[at.w]), k + FOUR < vec4u(K));
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  let turned = mat4x4f(b_four(at.x, at.y), b_four(at.x + 1u, at.y), b_four(at.x + 2u, at.y), b_four(at.x + 3u, at.y));
  return transpose(turned);
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  if (block >= ROWS + COLUMNS) {
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    let gate = gate_MN[index];
    y_MN[index] = gate * (1.0 / (1.0 + exp(clamp(-gate, -80.0, 80.0)))) * sum;
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(128)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 128u, corner, k_begin);
  var block1 = fetched(lane + 1u * 128u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 128u, block0);
    keep(lane + 1u * 128u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 128u, corner, start + STEP);
      block1 = fetched(lane + 1u * 128u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nt_swiglu_64x64: `// matmul_nt_swiglu_64x64 — c = a bᵀ, y = silu(gate) c, for GPUs
// Shapes:   a[M,K] b[N,K] gate[M,N] -> c[M,N] y[M,N]
// Dispatch: 64 invocations per 64 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<vec4f>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_NK: array<vec4f>; // [N,K] right factor, transposed
@group(0) @binding(2) var<storage, read> gate_MN: array<f32>; // [M,N] goes through SiLU
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>; // [M,N] product
@group(0) @binding(4) var<storage, read_write> y_MN: array<f32>; // [M,N] what follows from it
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 64u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  return select(vec4f(), a_MK[(start + min(k, K - 4u)) / 4u], IS_WHOLE || k < K);
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(column, N - 1u) * K;
  return select(vec4f(), b_NK[(start + min(k, K - 4u)) / 4u], IS_WHOLE || k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  let turned = mat4x4f(b_four(at.x, at.y), b_four(at.x + 1u, at.y), b_four(at.x + 2u, at.y), b_four(at.x + 3u, at.y));
  return transpose(turned);
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    let gate = gate_MN[index];
    y_MN[index] = gate * (1.0 / (1.0 + exp(clamp(-gate, -80.0, 80.0)))) * sum;
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 64u, corner, k_begin);
  var block1 = fetched(lane + 1u * 64u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 64u, block0);
    keep(lane + 1u * 64u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 64u, corner, start + STEP);
      block1 = fetched(lane + 1u * 64u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nt_swiglu_64x64_any: `// matmul_nt_swiglu_64x64_any — c = a bᵀ, y = silu(gate) c, for GPUs
// Shapes:   a[M,K] b[N,K] gate[M,N] -> c[M,N] y[M,N]
// Dispatch: 64 invocations per 64 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_NK: array<f32>; // [N,K] right factor, transposed
@group(0) @binding(2) var<storage, read> gate_MN: array<f32>; // [M,N] goes through SiLU
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>; // [M,N] product
@group(0) @binding(4) var<storage, read_write> y_MN: array<f32>; // [M,N] what follows from it
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = K; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 64u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(row, M - 1u) * A_STRIDE;
  let at = start + min(k + FOUR, vec4u(K - 1u));
  return select(vec4f(), vec4f(a_MK[at.x], a_MK[at.y], a_MK[at.z], a_MK[at.w]), k + FOUR < vec4u(K));
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(column, N - 1u) * K;
  let at = start + min(k + FOUR, vec4u(K - 1u));
  return select(vec4f(), vec4f(b_NK[at.x], b_NK[at.y], b_NK[at.z], b_NK[at.w]), k + FOUR < vec4u(K));
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  let turned = mat4x4f(b_four(at.x, at.y), b_four(at.x + 1u, at.y), b_four(at.x + 2u, at.y), b_four(at.x + 3u, at.y));
  return transpose(turned);
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    let gate = gate_MN[index];
    y_MN[index] = gate * (1.0 / (1.0 + exp(clamp(-gate, -80.0, 80.0)))) * sum;
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 64u, corner, k_begin);
  var block1 = fetched(lane + 1u * 64u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 64u, block0);
    keep(lane + 1u * 64u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 64u, corner, start + STEP);
      block1 = fetched(lane + 1u * 64u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_nt_swiglu_scalar: `// matmul_nt_swiglu_scalar — c = a bᵀ, y = silu(gate) c: the reference that the faster variants are checked against
// Shapes:   a[M,K] b[N,K] gate[M,N] -> c[M,N] y[M,N]
// Dispatch: one invocation per element of c, WG threads in linear order; needs: f32 only
// Method:   one dot product in ascending k; arguments of tanh and exp are clamped: large ones give NaN on some drivers
// Source:   definitions as in gelu_forward.wgsl, swiglu_forward.wgsl and add.wgsl; CPU twin matmul-fused.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_NK: array<f32>; // [N,K] right factor, transposed
@group(0) @binding(2) var<storage, read> gate_MN: array<f32>; // [M,N] goes through SiLU
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>; // [M,N] product
@group(0) @binding(4) var<storage, read_write> y_MN: array<f32>; // [M,N] what follows from it
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override M: u32;
override K: u32;
override N: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= M * N) {
    return;
  }
  let row = index / N;
  let column = index % N;
  var sum = 0.0;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let k_end = K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    sum += a_MK[row * K + k] * b_NK[column * K + k];
  }
  let gate = gate_MN[index];
  y_MN[index] = gate * (1.0 / (1.0 + exp(clamp(-gate, -80.0, 80.0)))) * sum;
  c_MN[index] = sum;
}
`,
  matmul_nt_tile: `// matmul_nt_tile — c = a bᵀ (+ c), any size, no cooperation between invocations
// Shapes:   a[M,K] b[N,K] -> c[M,N]
// Dispatch: one invocation per 4 x 4 tile of c, WG threads in linear order; needs: f32 only
// Method:   register tile, products added in ascending k; edges read the last row or column again and store nothing
// Source:   register tiling as in Goto & van de Geijn 2008 (doi:10.1145/1356052.1356053); CPU twin matmul.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_NK: array<f32>; // [N,K] right factor, transposed
@group(0) @binding(2) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override M: u32;
override K: u32;
override N: u32;
override C_STRIDE: u32; // from one row of c to the next
override ACCUMULATE: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = (first_group + group.y * groups.x + group.x) * WG + lane;
  let tiles_across = (N + 3u) / 4u;
  let row = tile / tiles_across * 4u;
  let column = tile % tiles_across * 4u;
  if (row >= M) {
    return;
  }
  let rows = min(row + vec4u(0u, 1u, 2u, 3u), vec4u(M - 1u));
  let columns = min(column + vec4u(0u, 1u, 2u, 3u), vec4u(N - 1u));
  var c0 = vec4f();
  var c1 = vec4f();
  var c2 = vec4f();
  var c3 = vec4f();
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let k_end = K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    let a = vec4f(a_MK[rows.x * K + k], a_MK[rows.y * K + k], a_MK[rows.z * K + k], a_MK[rows.w * K + k]);
    let b = vec4f(b_NK[columns.x * K + k], b_NK[columns.y * K + k], b_NK[columns.z * K + k], b_NK[columns.w * K + k]);
    c0 += a.x * b;
    c1 += a.y * b;
    c2 += a.z * b;
    c3 += a.w * b;
  }
  let c = array<vec4f, 4>(c0, c1, c2, c3);
  let i_end = min(16u, (M - row) * 4u) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let c_column = column + i % 4u;
    if (c_column < N) {
      let index = (row + i / 4u) * C_STRIDE + c_column;
      var sum = c[i / 4u][i % 4u];
      if (ACCUMULATE == 1u) {
        sum += c_MN[index];
      }
      c_MN[index] = sum;
    }
  }
}
`,
  matmul_nt_workgroup: `// matmul_nt_workgroup — c = a bᵀ (+ c), any size, for GPUs
// Shapes:   a[M,K] b[N,K] -> c[M,N]
// Dispatch: one workgroup of 256 invocations per 64 x 64 tile of c, in linear order; needs: 256 invocations, 8 KiB
// Method:   16 k at a time through workgroup memory (zeros beyond the edges), 4 x 4 results per invocation, ascending k
// Source:   tiling as in Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); CPU twin matmul.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_NK: array<f32>; // [N,K] right factor, transposed
@group(0) @binding(2) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override C_STRIDE: u32; // from one row of c to the next
override ACCUMULATE: u32;
const TILE = 64u;
const STEP = 16u;
var<workgroup> a_tile: array<array<f32, TILE>, STEP>; // [k][row]
var<workgroup> b_tile: array<array<f32, TILE>, STEP>; // [k][column]

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = first_group + group.y * groups.x + group.x;
  let tiles_across = (N + TILE - 1u) / TILE;
  let tile_row = tile / tiles_across * TILE;
  let tile_column = tile % tiles_across * TILE;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (tile_row >= M) {
    return;
  }
  // Results are 16 apart, so that neighbours read neighbouring words of workgroup memory.
  let x = lane % 16u;
  let y = lane / 16u;
  var c0 = vec4f();
  var c1 = vec4f();
  var c2 = vec4f();
  var c3 = vec4f();
  for (var start = 0u; start < K; start += STEP) {
    for (var i = lane; i < TILE * STEP; i += 256u) {
      {
        let k = i % STEP;
        let row = i / STEP;
        let inside = start + k < K && tile_row + row < M;
        // select evaluates both: the address is clamped first.
        let value = a_MK[min(tile_row + row, M - 1u) * K + min(start + k, K - 1u)];
        a_tile[k][row] = select(0.0, value, inside);
      }
      {
        let k = i % STEP;
        let column = i / STEP;
        let inside = start + k < K && tile_column + column < N;
        // select evaluates both: the address is clamped first.
        let value = b_NK[min(tile_column + column, N - 1u) * K + min(start + k, K - 1u)];
        b_tile[k][column] = select(0.0, value, inside);
      }
    }
    workgroupBarrier();
    for (var k = 0u; k < STEP; k++) {
      let b = vec4f(b_tile[k][x], b_tile[k][x + 16u], b_tile[k][x + 32u], b_tile[k][x + 48u]);
      c0 += a_tile[k][y] * b;
      c1 += a_tile[k][y + 16u] * b;
      c2 += a_tile[k][y + 32u] * b;
      c3 += a_tile[k][y + 48u] * b;
    }
    workgroupBarrier();
  }
  let c = array<vec4f, 4>(c0, c1, c2, c3);
  for (var i = 0u; i < 16u; i++) {
    let row = tile_row + y + i / 4u * 16u;
    let column = tile_column + x + i % 4u * 16u;
    if (row < M && column < N) {
      let index = row * C_STRIDE + column;
      var sum = c[i / 4u][i % 4u];
      if (ACCUMULATE == 1u) {
        sum += c_MN[index];
      }
      c_MN[index] = sum;
    }
  }
}
`,
  matmul_parts_sum: `// matmul_parts_sum — c = sum of parts (+ bias) (+ residual) (+ c)
// Shapes:   parts[P,M,N] bias[N] residual[M,N] -> c[M,N]
// Dispatch: one invocation per element of c, WG threads in linear order; needs: f32 only
// Method:   parts added in ascending order
// Source:   split-K as in Osama et al. 2023 (doi:10.1145/3572848.3577479), section 3; CPU twin matmul-parts.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(P) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> parts_PMN: array<f32>; // [P,M,N] sums of parts of a product
@group(0) @binding(1) var<storage, read> bias_N: array<f32>; // [N] read only if BIAS
@group(0) @binding(2) var<storage, read> residual_MN: array<f32>; // [M,N] read only if RESIDUAL
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override M: u32;
override N: u32;
override P: u32;
override BIAS: u32;
override RESIDUAL: u32;
override ACCUMULATE: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= M * N) {
    return;
  }
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let part_end = P * groups.z;
  var sum = 0.0;
  for (var part = 0u; part < part_end; part++) {
    sum += parts_PMN[part * M * N + index];
  }
  if (BIAS == 1u) {
    sum += bias_N[index % N];
  }
  if (RESIDUAL == 1u) {
    sum += residual_MN[index];
  }
  if (ACCUMULATE == 1u) {
    sum += c_MN[index];
  }
  c_MN[index] = sum;
}
`,
  matmul_tn_block_128x128: `// matmul_tn_block_128x128 — c = aᵀ b (+ c), for GPUs
// Shapes:   a[K,M] b[K,N] -> c[M,N]
// Dispatch: 256 invocations per 128 x 128 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_KM: array<vec4f>; // [K,M] left factor, transposed
@group(0) @binding(1) var<storage, read> b_KN: array<vec4f>; // [K,N] right factor
@group(0) @binding(2) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = M; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 128u;
const COLUMNS = 128u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * A_STRIDE;
  return select(vec4f(), a_KM[(start + min(row, M - 4u)) / 4u], IS_WHOLE || k < K);
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * N;
  return select(vec4f(), b_KN[(start + min(column, N - 4u)) / 4u], IS_WHOLE || k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (ROWS / 4u), block / (ROWS / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (COLUMNS / 4u), block / (COLUMNS / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    return mat4x4f(a_four(at.x, at.y), a_four(at.x, at.y + 1u), a_four(at.x, at.y + 2u), a_four(at.x, at.y + 3u));
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  return mat4x4f(b_four(at.x, at.y), b_four(at.x, at.y + 1u), b_four(at.x, at.y + 2u), b_four(at.x, at.y + 3u));
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 256u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 256u, block0);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 256u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_tn_block_128x128_any: `// matmul_tn_block_128x128_any — c = aᵀ b (+ c), for GPUs
// Shapes:   a[K,M] b[K,N] -> c[M,N]
// Dispatch: 256 invocations per 128 x 128 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_KM: array<f32>; // [K,M] left factor, transposed
@group(0) @binding(1) var<storage, read> b_KN: array<f32>; // [K,N] right factor
@group(0) @binding(2) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = M; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 128u;
const COLUMNS = 128u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * A_STRIDE;
  let at = start + min(row + FOUR, vec4u(M - 1u));
  return select(vec4f(), vec4f(a_KM[at.x], a_KM[at.y], a_KM[at.z], a_KM[at.w]), k < K);
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * N;
  let at = start + min(column + FOUR, vec4u(N - 1u));
  return select(vec4f(), vec4f(b_KN[at.x], b_KN[at.y], b_KN[at.z], b_KN[at.w]), k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (ROWS / 4u), block / (ROWS / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (COLUMNS / 4u), block / (COLUMNS / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    return mat4x4f(a_four(at.x, at.y), a_four(at.x, at.y + 1u), a_four(at.x, at.y + 2u), a_four(at.x, at.y + 3u));
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  return mat4x4f(b_four(at.x, at.y), b_four(at.x, at.y + 1u), b_four(at.x, at.y + 2u), b_four(at.x, at.y + 3u));
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 256u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 256u, block0);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 256u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_tn_block_128x64: `// matmul_tn_block_128x64 — c = aᵀ b (+ c), for GPUs
// Shapes:   a[K,M] b[K,N] -> c[M,N]
// Dispatch: 128 invocations per 128 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_KM: array<vec4f>; // [K,M] left factor, transposed
@group(0) @binding(1) var<storage, read> b_KN: array<vec4f>; // [K,N] right factor
@group(0) @binding(2) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = M; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 128u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * A_STRIDE;
  return select(vec4f(), a_KM[(start + min(row, M - 4u)) / 4u], IS_WHOLE || k < K);
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * N;
  return select(vec4f(), b_KN[(start + min(column, N - 4u)) / 4u], IS_WHOLE || k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (ROWS / 4u), block / (ROWS / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (COLUMNS / 4u), block / (COLUMNS / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    return mat4x4f(a_four(at.x, at.y), a_four(at.x, at.y + 1u), a_four(at.x, at.y + 2u), a_four(at.x, at.y + 3u));
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  return mat4x4f(b_four(at.x, at.y), b_four(at.x, at.y + 1u), b_four(at.x, at.y + 2u), b_four(at.x, at.y + 3u));
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  if (block >= ROWS + COLUMNS) {
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(128)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 128u, corner, k_begin);
  var block1 = fetched(lane + 1u * 128u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 128u, block0);
    keep(lane + 1u * 128u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 128u, corner, start + STEP);
      block1 = fetched(lane + 1u * 128u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_tn_block_128x64_any: `// matmul_tn_block_128x64_any — c = aᵀ b (+ c), for GPUs
// Shapes:   a[K,M] b[K,N] -> c[M,N]
// Dispatch: 128 invocations per 128 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_KM: array<f32>; // [K,M] left factor, transposed
@group(0) @binding(1) var<storage, read> b_KN: array<f32>; // [K,N] right factor
@group(0) @binding(2) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = M; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 128u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * A_STRIDE;
  let at = start + min(row + FOUR, vec4u(M - 1u));
  return select(vec4f(), vec4f(a_KM[at.x], a_KM[at.y], a_KM[at.z], a_KM[at.w]), k < K);
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * N;
  let at = start + min(column + FOUR, vec4u(N - 1u));
  return select(vec4f(), vec4f(b_KN[at.x], b_KN[at.y], b_KN[at.z], b_KN[at.w]), k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (ROWS / 4u), block / (ROWS / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (COLUMNS / 4u), block / (COLUMNS / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    return mat4x4f(a_four(at.x, at.y), a_four(at.x, at.y + 1u), a_four(at.x, at.y + 2u), a_four(at.x, at.y + 3u));
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  return mat4x4f(b_four(at.x, at.y), b_four(at.x, at.y + 1u), b_four(at.x, at.y + 2u), b_four(at.x, at.y + 3u));
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  if (block >= ROWS + COLUMNS) {
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(128)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 128u, corner, k_begin);
  var block1 = fetched(lane + 1u * 128u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 128u, block0);
    keep(lane + 1u * 128u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 128u, corner, start + STEP);
      block1 = fetched(lane + 1u * 128u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_tn_block_64x64: `// matmul_tn_block_64x64 — c = aᵀ b (+ c), for GPUs
// Shapes:   a[K,M] b[K,N] -> c[M,N]
// Dispatch: 64 invocations per 64 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_KM: array<vec4f>; // [K,M] left factor, transposed
@group(0) @binding(1) var<storage, read> b_KN: array<vec4f>; // [K,N] right factor
@group(0) @binding(2) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = M; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 64u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * A_STRIDE;
  return select(vec4f(), a_KM[(start + min(row, M - 4u)) / 4u], IS_WHOLE || k < K);
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * N;
  return select(vec4f(), b_KN[(start + min(column, N - 4u)) / 4u], IS_WHOLE || k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (ROWS / 4u), block / (ROWS / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (COLUMNS / 4u), block / (COLUMNS / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    return mat4x4f(a_four(at.x, at.y), a_four(at.x, at.y + 1u), a_four(at.x, at.y + 2u), a_four(at.x, at.y + 3u));
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  return mat4x4f(b_four(at.x, at.y), b_four(at.x, at.y + 1u), b_four(at.x, at.y + 2u), b_four(at.x, at.y + 3u));
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 64u, corner, k_begin);
  var block1 = fetched(lane + 1u * 64u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 64u, block0);
    keep(lane + 1u * 64u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 64u, corner, start + STEP);
      block1 = fetched(lane + 1u * 64u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_tn_block_64x64_any: `// matmul_tn_block_64x64_any — c = aᵀ b (+ c), for GPUs
// Shapes:   a[K,M] b[K,N] -> c[M,N]
// Dispatch: 64 invocations per 64 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_KM: array<f32>; // [K,M] left factor, transposed
@group(0) @binding(1) var<storage, read> b_KN: array<f32>; // [K,N] right factor
@group(0) @binding(2) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = M; // from one row of a to the next
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 64u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * A_STRIDE;
  let at = start + min(row + FOUR, vec4u(M - 1u));
  return select(vec4f(), vec4f(a_KM[at.x], a_KM[at.y], a_KM[at.z], a_KM[at.w]), k < K);
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * N;
  let at = start + min(column + FOUR, vec4u(N - 1u));
  return select(vec4f(), vec4f(b_KN[at.x], b_KN[at.y], b_KN[at.z], b_KN[at.w]), k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (ROWS / 4u), block / (ROWS / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (COLUMNS / 4u), block / (COLUMNS / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    return mat4x4f(a_four(at.x, at.y), a_four(at.x, at.y + 1u), a_four(at.x, at.y + 2u), a_four(at.x, at.y + 3u));
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  return mat4x4f(b_four(at.x, at.y), b_four(at.x, at.y + 1u), b_four(at.x, at.y + 2u), b_four(at.x, at.y + 3u));
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = 0u;
  let k_end = K;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= 1u) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 64u, corner, k_begin);
  var block1 = fetched(lane + 1u * 64u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 64u, block0);
    keep(lane + 1u * 64u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 64u, corner, start + STEP);
      block1 = fetched(lane + 1u * 64u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_tn_parts_64x64: `// matmul_tn_parts_64x64 — parts = aᵀ b, each of some k alone, for GPUs
// Shapes:   a[K,M] b[K,N] -> parts[P,M,N]
// Dispatch: 64 invocations per 64 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_KM: array<vec4f>; // [K,M] left factor, transposed
@group(0) @binding(1) var<storage, read> b_KN: array<vec4f>; // [K,N] right factor
@group(0) @binding(2) var<storage, read_write> parts_PMN: array<f32>; // [P,M,N] a sum for each part
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = M; // from one row of a to the next
override P: u32;
override PART_K: u32; // products of a part, in whole slabs of 16
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 64u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * A_STRIDE;
  return select(vec4f(), a_KM[(start + min(row, M - 4u)) / 4u], IS_WHOLE || k < K);
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * N;
  return select(vec4f(), b_KN[(start + min(column, N - 4u)) / 4u], IS_WHOLE || k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (ROWS / 4u), block / (ROWS / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (COLUMNS / 4u), block / (COLUMNS / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    return mat4x4f(a_four(at.x, at.y), a_four(at.x, at.y + 1u), a_four(at.x, at.y + 2u), a_four(at.x, at.y + 3u));
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  return mat4x4f(b_four(at.x, at.y), b_four(at.x, at.y + 1u), b_four(at.x, at.y + 2u), b_four(at.x, at.y + 3u));
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    parts_PMN[(part * M + row) * N + column + i] = sums[i];
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = part * PART_K;
  let k_end = min(K, k_begin + PART_K);
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= P) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 64u, corner, k_begin);
  var block1 = fetched(lane + 1u * 64u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 64u, block0);
    keep(lane + 1u * 64u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 64u, corner, start + STEP);
      block1 = fetched(lane + 1u * 64u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_tn_parts_64x64_any: `// matmul_tn_parts_64x64_any — parts = aᵀ b, each of some k alone, for GPUs
// Shapes:   a[K,M] b[K,N] -> parts[P,M,N]
// Dispatch: 64 invocations per 64 x 64 tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_KM: array<f32>; // [K,M] left factor, transposed
@group(0) @binding(1) var<storage, read> b_KN: array<f32>; // [K,N] right factor
@group(0) @binding(2) var<storage, read_write> parts_PMN: array<f32>; // [P,M,N] a sum for each part
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32 = M; // from one row of a to the next
override P: u32;
override PART_K: u32; // products of a part, in whole slabs of 16
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = 64u;
const COLUMNS = 64u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * A_STRIDE;
  let at = start + min(row + FOUR, vec4u(M - 1u));
  return select(vec4f(), vec4f(a_KM[at.x], a_KM[at.y], a_KM[at.z], a_KM[at.w]), k < K);
}

fn b_four(column: u32, k: u32) -> vec4f {
  let start = min(k, K - 1u) * N;
  let at = start + min(column + FOUR, vec4u(N - 1u));
  return select(vec4f(), vec4f(b_KN[at.x], b_KN[at.y], b_KN[at.z], b_KN[at.w]), k < K);
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (ROWS / 4u), block / (ROWS / 4u));
}

fn b_place(block: u32) -> vec2u {
  return 4u * vec2u(block % (COLUMNS / 4u), block / (COLUMNS / 4u));
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
    return mat4x4f(a_four(at.x, at.y), a_four(at.x, at.y + 1u), a_four(at.x, at.y + 2u), a_four(at.x, at.y + 3u));
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
  return mat4x4f(b_four(at.x, at.y), b_four(at.x, at.y + 1u), b_four(at.x, at.y + 2u), b_four(at.x, at.y + 3u));
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
    a_tile[at.y + 0u][at.x / 4u] = values[0];
    a_tile[at.y + 1u][at.x / 4u] = values[1];
    a_tile[at.y + 2u][at.x / 4u] = values[2];
    a_tile[at.y + 3u][at.x / 4u] = values[3];
    return;
  }
  let at = b_place(block - ROWS);
  b_tile[at.y + 0u][at.x / 4u] = values[0];
  b_tile[at.y + 1u][at.x / 4u] = values[1];
  b_tile[at.y + 2u][at.x / 4u] = values[2];
  b_tile[at.y + 3u][at.x / 4u] = values[3];
}

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
    parts_PMN[(part * M + row) * N + column + i] = sums[i];
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
  let k_begin = part * PART_K;
  let k_end = min(K, k_begin + PART_K);
  // Uniform in the workgroup, so the barriers below stay legal.
  if (part >= P) {
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c20 = vec4f();
  var c21 = vec4f();
  var c30 = vec4f();
  var c31 = vec4f();
  var c40 = vec4f();
  var c41 = vec4f();
  var c50 = vec4f();
  var c51 = vec4f();
  var c60 = vec4f();
  var c61 = vec4f();
  var c70 = vec4f();
  var c71 = vec4f();
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
  var block0 = fetched(lane + 0u * 64u, corner, k_begin);
  var block1 = fetched(lane + 1u * 64u, corner, k_begin);
  for (var start = k_begin; start < k_end; start += STEP) {
    keep(lane + 0u * 64u, block0);
    keep(lane + 1u * 64u, block1);
    workgroupBarrier();
    if (start + STEP < k_end) {
      block0 = fetched(lane + 0u * 64u, corner, start + STEP);
      block1 = fetched(lane + 1u * 64u, corner, start + STEP);
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
      c00 += a0[0] * b0;
      c01 += a0[0] * b1;
      c40 += a1[0] * b0;
      c41 += a1[0] * b1;
      c10 += a0[1] * b0;
      c11 += a0[1] * b1;
      c50 += a1[1] * b0;
      c51 += a1[1] * b1;
      c20 += a0[2] * b0;
      c21 += a0[2] * b1;
      c60 += a1[2] * b0;
      c61 += a1[2] * b1;
      c30 += a0[3] * b0;
      c31 += a0[3] * b1;
      c70 += a1[3] * b0;
      c71 += a1[3] * b1;
    }
    workgroupBarrier();
  }
  finish(part, row + 0u, column, c00);
  finish(part, row + 0u, column + COLUMNS / 2u, c01);
  finish(part, row + 1u, column, c10);
  finish(part, row + 1u, column + COLUMNS / 2u, c11);
  finish(part, row + 2u, column, c20);
  finish(part, row + 2u, column + COLUMNS / 2u, c21);
  finish(part, row + 3u, column, c30);
  finish(part, row + 3u, column + COLUMNS / 2u, c31);
  finish(part, row + 4u, column, c40);
  finish(part, row + 4u, column + COLUMNS / 2u, c41);
  finish(part, row + 5u, column, c50);
  finish(part, row + 5u, column + COLUMNS / 2u, c51);
  finish(part, row + 6u, column, c60);
  finish(part, row + 6u, column + COLUMNS / 2u, c61);
  finish(part, row + 7u, column, c70);
  finish(part, row + 7u, column + COLUMNS / 2u, c71);
}
`,
  matmul_tn_parts_scalar: `// matmul_tn_parts_scalar — parts = aᵀ b, each of some k alone: the reference that the faster variants are checked against
// Shapes:   a[K,M] b[K,N] -> parts[P,M,N]
// Dispatch: one invocation per element of parts, WG threads in linear order; needs: f32 only
// Method:   one dot product in ascending k, of PART_K products or of those that are left
// Source:   definition; CPU twin matmul-parts.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_KM: array<f32>; // [K,M] left factor, transposed
@group(0) @binding(1) var<storage, read> b_KN: array<f32>; // [K,N] right factor
@group(0) @binding(2) var<storage, read_write> parts_PMN: array<f32>; // [P,M,N] a sum for each part
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override M: u32;
override K: u32;
override N: u32;
override P: u32;
override PART_K: u32; // products of a part

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= P * M * N) {
    return;
  }
  let part = index / (M * N);
  let row = index / N % M;
  let column = index % N;
  var sum = 0.0;
  let k_end = min(K, (part + 1u) * PART_K);
  for (var k = part * PART_K; k < k_end; k++) {
    sum += a_KM[k * M + row] * b_KN[k * N + column];
  }
  parts_PMN[index] = sum;
}
`,
  matmul_tn_scalar: `// matmul_tn_scalar — c = aᵀ b (+ c): the reference that every faster variant is checked against
// Shapes:   a[K,M] b[K,N] -> c[M,N]
// Dispatch: one invocation per element of c, WG threads in linear order; needs: f32 only
// Method:   one dot product in ascending k
// Source:   definition; CPU twin matmul.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_KM: array<f32>; // [K,M] left factor, transposed
@group(0) @binding(1) var<storage, read> b_KN: array<f32>; // [K,N] right factor
@group(0) @binding(2) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32; // from one row of a to the next
override ACCUMULATE: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= M * N) {
    return;
  }
  let row = index / N;
  let column = index % N;
  var sum = 0.0;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let k_end = K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    sum += a_KM[k * A_STRIDE + row] * b_KN[k * N + column];
  }
  if (ACCUMULATE == 1u) {
    sum += c_MN[index];
  }
  c_MN[index] = sum;
}
`,
  matmul_tn_subgroup: `// matmul_tn_subgroup — c = aᵀ b (+ c), for software drivers with subgroups of 8 lanes
// Shapes:   a[K,M] b[K,N] -> c[M,N]          M % 4 = N % 4 = 0
// Dispatch: one subgroup of 8 invocations per 16 x 32 tile of c, in linear order; needs: subgroups, size 8
// Method:   a lane loads each value of the tile's 16 rows once and broadcasts it, and owns 4 columns: on a driver that
//           emulates lanes a load costs 20 times a multiply-add, a broadcast twice. Products added in ascending k
// Source:   register tiling as in Goto & van de Geijn 2008 (doi:10.1145/1356052.1356053); CPU twin matmul.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
enable subgroups;

@group(0) @binding(0) var<storage, read> a_KM: array<vec4f>; // [K,M/4] left factor, transposed
@group(0) @binding(1) var<storage, read> b_KN: array<vec4f>; // [K,N/4] right factor
@group(0) @binding(2) var<storage, read_write> c_MN: array<vec4f>; // [M,N/4] result, read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32; // from one row of a to the next
override ACCUMULATE: u32;
override IS_WHOLE: bool = K % 4u == 0u;
const ROWS = 16u;
const COLUMNS = 8u; // in vec4

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = first_group + group.y * groups.x + group.x;
  let tiles_across = (N + 31u) / 32u;
  let row = (tile / tiles_across) * ROWS;
  let column = (tile % tiles_across) * COLUMNS + lane;
  if (row >= M) {
    return;
  }
  // Lanes beyond the edge work on the last row or column again and store nothing.
  let safe_column = min(column, N / 4u - 1u);
  // Lanes 0..3 hold four k of the first four of eight rows, lanes 4..7 of the other four.
  let a_low = (lane % 4u) * (A_STRIDE / 4u) + min(row / 4u + lane / 4u, M / 4u - 1u);
  let a_high = (lane % 4u) * (A_STRIDE / 4u) + min(row / 4u + 2u + lane / 4u, M / 4u - 1u);
  var c0 = vec4f();
  var c1 = vec4f();
  var c2 = vec4f();
  var c3 = vec4f();
  var c4 = vec4f();
  var c5 = vec4f();
  var c6 = vec4f();
  var c7 = vec4f();
  var c8 = vec4f();
  var c9 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c12 = vec4f();
  var c13 = vec4f();
  var c14 = vec4f();
  var c15 = vec4f();
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let k_end = K * groups.z;
  for (var k = 0u; k < k_end; k += 4u) {
    // Rows of a and b beyond K count as zeros; where K is a multiple of 4, both selects go away.
    let is_there = IS_WHOLE || k + lane % 4u < K;
    let low = select(vec4f(), a_KM[k * (A_STRIDE / 4u) + a_low], is_there);
    let high = select(vec4f(), a_KM[k * (A_STRIDE / 4u) + a_high], is_there);
    let start = k * (N / 4u) + safe_column;
    let b = mat4x4f(
      b_KN[start],
      select(vec4f(), b_KN[start + N / 4u], IS_WHOLE || k + 1u < K),
      select(vec4f(), b_KN[start + N / 4u * 2u], IS_WHOLE || k + 2u < K),
      select(vec4f(), b_KN[start + N / 4u * 3u], IS_WHOLE || k + 3u < K),
    );
    let a0 = transpose(mat4x4f(
      subgroupBroadcast(low, 0u), subgroupBroadcast(low, 1u),
      subgroupBroadcast(low, 2u), subgroupBroadcast(low, 3u),
    ));
    c0 += b * a0[0];
    c1 += b * a0[1];
    c2 += b * a0[2];
    c3 += b * a0[3];
    let a1 = transpose(mat4x4f(
      subgroupBroadcast(low, 4u), subgroupBroadcast(low, 5u),
      subgroupBroadcast(low, 6u), subgroupBroadcast(low, 7u),
    ));
    c4 += b * a1[0];
    c5 += b * a1[1];
    c6 += b * a1[2];
    c7 += b * a1[3];
    let a2 = transpose(mat4x4f(
      subgroupBroadcast(high, 0u), subgroupBroadcast(high, 1u),
      subgroupBroadcast(high, 2u), subgroupBroadcast(high, 3u),
    ));
    c8 += b * a2[0];
    c9 += b * a2[1];
    c10 += b * a2[2];
    c11 += b * a2[3];
    let a3 = transpose(mat4x4f(
      subgroupBroadcast(high, 4u), subgroupBroadcast(high, 5u),
      subgroupBroadcast(high, 6u), subgroupBroadcast(high, 7u),
    ));
    c12 += b * a3[0];
    c13 += b * a3[1];
    c14 += b * a3[2];
    c15 += b * a3[3];
  }
  var c = array<vec4f, ROWS>(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15);
  if (column * 4u >= N) {
    return;
  }
  let i_end = min(ROWS, M - row) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let index = (row + i) * (N / 4u) + column;
    var sum = c[i];
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}
`,
  matmul_tn_tile: `// matmul_tn_tile — c = aᵀ b (+ c), any size, no cooperation between invocations
// Shapes:   a[K,M] b[K,N] -> c[M,N]
// Dispatch: one invocation per 4 x 4 tile of c, WG threads in linear order; needs: f32 only
// Method:   register tile, products added in ascending k; edges read the last row or column again and store nothing
// Source:   register tiling as in Goto & van de Geijn 2008 (doi:10.1145/1356052.1356053); CPU twin matmul.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_KM: array<f32>; // [K,M] left factor, transposed
@group(0) @binding(1) var<storage, read> b_KN: array<f32>; // [K,N] right factor
@group(0) @binding(2) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32; // from one row of a to the next
override ACCUMULATE: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = (first_group + group.y * groups.x + group.x) * WG + lane;
  let tiles_across = (N + 3u) / 4u;
  let row = tile / tiles_across * 4u;
  let column = tile % tiles_across * 4u;
  if (row >= M) {
    return;
  }
  let rows = min(row + vec4u(0u, 1u, 2u, 3u), vec4u(M - 1u));
  let columns = min(column + vec4u(0u, 1u, 2u, 3u), vec4u(N - 1u));
  var c0 = vec4f();
  var c1 = vec4f();
  var c2 = vec4f();
  var c3 = vec4f();
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let k_end = K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    let start = k * A_STRIDE;
    let a = vec4f(a_KM[start + rows.x], a_KM[start + rows.y], a_KM[start + rows.z], a_KM[start + rows.w]);
    let b = vec4f(b_KN[k * N + columns.x], b_KN[k * N + columns.y], b_KN[k * N + columns.z], b_KN[k * N + columns.w]);
    c0 += a.x * b;
    c1 += a.y * b;
    c2 += a.z * b;
    c3 += a.w * b;
  }
  let c = array<vec4f, 4>(c0, c1, c2, c3);
  let i_end = min(16u, (M - row) * 4u) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let c_column = column + i % 4u;
    if (c_column < N) {
      let index = (row + i / 4u) * N + c_column;
      var sum = c[i / 4u][i % 4u];
      if (ACCUMULATE == 1u) {
        sum += c_MN[index];
      }
      c_MN[index] = sum;
    }
  }
}
`,
  matmul_tn_workgroup: `// matmul_tn_workgroup — c = aᵀ b (+ c), any size, for GPUs
// Shapes:   a[K,M] b[K,N] -> c[M,N]
// Dispatch: one workgroup of 256 invocations per 64 x 64 tile of c, in linear order; needs: 256 invocations, 8 KiB
// Method:   16 k at a time through workgroup memory (zeros beyond the edges), 4 x 4 results per invocation, ascending k
// Source:   tiling as in Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); CPU twin matmul.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_KM: array<f32>; // [K,M] left factor, transposed
@group(0) @binding(1) var<storage, read> b_KN: array<f32>; // [K,N] right factor
@group(0) @binding(2) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32; // from one row of a to the next
override ACCUMULATE: u32;
const TILE = 64u;
const STEP = 16u;
var<workgroup> a_tile: array<array<f32, TILE>, STEP>; // [k][row]
var<workgroup> b_tile: array<array<f32, TILE>, STEP>; // [k][column]

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = first_group + group.y * groups.x + group.x;
  let tiles_across = (N + TILE - 1u) / TILE;
  let tile_row = tile / tiles_across * TILE;
  let tile_column = tile % tiles_across * TILE;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (tile_row >= M) {
    return;
  }
  // Results are 16 apart, so that neighbours read neighbouring words of workgroup memory.
  let x = lane % 16u;
  let y = lane / 16u;
  var c0 = vec4f();
  var c1 = vec4f();
  var c2 = vec4f();
  var c3 = vec4f();
  for (var start = 0u; start < K; start += STEP) {
    for (var i = lane; i < TILE * STEP; i += 256u) {
      {
        let k = i / TILE;
        let row = i % TILE;
        let inside = start + k < K && tile_row + row < M;
        // select evaluates both: the address is clamped first.
        let value = a_KM[min(start + k, K - 1u) * A_STRIDE + min(tile_row + row, M - 1u)];
        a_tile[k][row] = select(0.0, value, inside);
      }
      {
        let k = i / TILE;
        let column = i % TILE;
        let inside = start + k < K && tile_column + column < N;
        // select evaluates both: the address is clamped first.
        let value = b_KN[min(start + k, K - 1u) * N + min(tile_column + column, N - 1u)];
        b_tile[k][column] = select(0.0, value, inside);
      }
    }
    workgroupBarrier();
    for (var k = 0u; k < STEP; k++) {
      let b = vec4f(b_tile[k][x], b_tile[k][x + 16u], b_tile[k][x + 32u], b_tile[k][x + 48u]);
      c0 += a_tile[k][y] * b;
      c1 += a_tile[k][y + 16u] * b;
      c2 += a_tile[k][y + 32u] * b;
      c3 += a_tile[k][y + 48u] * b;
    }
    workgroupBarrier();
  }
  let c = array<vec4f, 4>(c0, c1, c2, c3);
  for (var i = 0u; i < 16u; i++) {
    let row = tile_row + y + i / 4u * 16u;
    let column = tile_column + x + i % 4u * 16u;
    if (row < M && column < N) {
      let index = row * N + column;
      var sum = c[i / 4u][i % 4u];
      if (ACCUMULATE == 1u) {
        sum += c_MN[index];
      }
      c_MN[index] = sum;
    }
  }
}
`,
  narrow: `// narrow — y = x, rounded to f16
// Shapes:   x[L] -> y[L]
// Dispatch: one invocation per word of y, which holds two elements, WG threads in linear order; needs: f32 only
// Method:   on the bits, to the nearest and half-way to the even one, as the host does: no adapter's own conversion
// Source:   IEEE 754-2019 section 3.4; CPU twin cast.cpu.ts
// Checked:  test/conformance.spec.ts, exactly the twin's values
@group(0) @binding(0) var<storage, read> x_L: array<f32>; // [L] f32
@group(0) @binding(1) var<storage, read_write> y_L: array<u32>; // [L] f16, two in a word, the first one low
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override L: u32;

fn rounded(kept: u32, rest: u32, middle: u32) -> u32 {
  return kept + select(0u, 1u, rest > middle || (rest == middle && (kept & 1u) == 1u));
}

fn half_bits(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  let sign = (bits >> 16u) & 0x8000u;
  let magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) {
    return 0x7e00u;
  }
  // 65520 and more is nearer to 2^16, which is infinite.
  if (magnitude >= 0x477ff000u) {
    return sign | 0x7c00u;
  }
  if (magnitude >= 0x38800000u) {
    let rebased = magnitude - 0x38000000u;
    return sign | rounded(rebased >> 13u, rebased & 0x1fffu, 0x1000u);
  }
  // Below 2^-14 the unit is 2^-24; below 2^-25 there is nothing left of it.
  let exponent = magnitude >> 23u;
  if (exponent < 102u) {
    return sign;
  }
  let shift = 126u - exponent;
  let significand = (magnitude & 0x7fffffu) | 0x800000u;
  return sign | rounded(significand >> shift, significand & ((1u << shift) - 1u), 1u << (shift - 1u));
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let word = (first_group + group.y * groups.x + group.x) * WG + lane;
  let index = word * 2u;
  if (index >= L) {
    return;
  }
  var bits = half_bits(x_L[index]);
  if (index + 1u < L) {
    bits |= half_bits(x_L[index + 1u]) << 16u;
  }
  y_L[word] = bits;
}
`,
  rmsnorm_backward_input: `// rmsnorm_backward_input — dx = rstd (g - n mean(g n)) (+ residual), g = dy * weight, n = x rstd
// Shapes:   dy[N,C] x[N,C] weight[C] rstd[N] residual[N,C] -> dx[N,C]
// Dispatch: one invocation per row, WG threads; needs: f32 only
// Method:   one pass for the row mean, one for the output
// Source:   derivative of Zhang & Sennrich 2019 (arXiv:1910.07467) eq. 4; CPU twin rmsnorm.cpu.ts
// Checked:  test/conformance.spec.ts, 5e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> dy_NC: array<f32>; // [N,C] gradient of the output
@group(0) @binding(1) var<storage, read> x_NC: array<f32>; // [N,C] input of the forward
@group(0) @binding(2) var<storage, read> weight_C: array<f32>; // [C] scale
@group(0) @binding(3) var<storage, read> rstd_N: array<f32>; // [N] 1 / sqrt(mean(x²) + eps)
@group(0) @binding(4) var<storage, read> residual_NC: array<f32>; // [N,C] read only if RESIDUAL
@group(0) @binding(5) var<storage, read_write> dx_NC: array<f32>; // [N,C] gradient of the input
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override RESIDUAL: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (row >= N) {
    return;
  }
  let start = row * C;
  let rstd = rstd_N[row];
  var sum_gn = 0.0;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let i_end = C * groups.z;
  for (var i = 0u; i < i_end; i++) {
    sum_gn += dy_NC[start + i] * weight_C[i] * (x_NC[start + i] * rstd);
  }
  let mean_gn = sum_gn / f32(C);
  for (var i = 0u; i < i_end; i++) {
    let g = dy_NC[start + i] * weight_C[i];
    var dx = rstd * (g - x_NC[start + i] * rstd * mean_gn);
    if (RESIDUAL == 1u) {
      dx += residual_NC[start + i];
    }
    dx_NC[start + i] = dx;
  }
}
`,
  rmsnorm_backward_input_long: `// rmsnorm_backward_input_long — dx = rstd (g - n mean(g n)) (+ residual), g = dy * weight, n = x rstd
// Shapes:   dy[N,C] x[N,C] weight[C] rstd[N] residual[N,C] -> dx[N,C]
// Dispatch: one workgroup of WG invocations per row; needs: f32 only
// Method:   nothing is held: dy, x and weight read twice
// Source:   derivative of Zhang & Sennrich 2019 (arXiv:1910.07467) eq. 4; CPU twin rmsnorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(C)) 2^-23 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> dy_NC: array<vec4f>; // [N,C] gradient of the output, in packs as all below
@group(0) @binding(1) var<storage, read> x_NC: array<vec4f>; // [N,C] input of the forward
@group(0) @binding(2) var<storage, read> weight_C: array<vec4f>; // [C] scale
@group(0) @binding(3) var<storage, read> rstd_N: array<f32>; // [N] 1 / sqrt(mean(x²) + eps)
@group(0) @binding(4) var<storage, read> residual_NC: array<vec4f>; // [N,C] read only if RESIDUAL
@group(0) @binding(5) var<storage, read_write> dx_NC: array<vec4f>; // [N,C] gradient of the input
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override RESIDUAL: u32;
alias Pack = vec4f;
override PACKS: u32 = C / 4u; // of a row

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return (x.x + x.y) + (x.z + x.w);
}

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

fn store(start: u32, i: u32, dx: Pack) {
  if (i < PACKS && RESIDUAL == 1u) {
    dx_NC[start + i] = dx + residual_NC[start + i];
  } else if (i < PACKS) {
    dx_NC[start + i] = dx;
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Uniform in the workgroup, so the barriers below stay legal.
  let row = index;
  if (row >= N) {
    return;
  }
  let first = lane;
  let start = row * PACKS;
  let rstd = rstd_N[row];
  var sums_gn = Pack();
  for (var i = first; i < PACKS; i += WG) {
    let g = dy_NC[start + i] * weight_C[i];
    let n = x_NC[start + i] * rstd;
    sums_gn += g * n;
  }
  let mean_gn = row_sum(total(sums_gn), lane) / f32(C);
  for (var i = first; i < PACKS; i += WG) {
    let g = dy_NC[start + i] * weight_C[i];
    let n = x_NC[start + i] * rstd;
    store(start, i, rstd * (g - n * mean_gn));
  }
}
`,
  rmsnorm_backward_input_long_odd: `// rmsnorm_backward_input_long_odd — dx = rstd (g - n mean(g n)) (+ residual), g = dy * weight, n = x rstd
// Shapes:   dy[N,C] x[N,C] weight[C] rstd[N] residual[N,C] -> dx[N,C]
// Dispatch: one workgroup of WG invocations per row; needs: f32 only
// Method:   nothing is held: dy, x and weight read twice
// Source:   derivative of Zhang & Sennrich 2019 (arXiv:1910.07467) eq. 4; CPU twin rmsnorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(C)) 2^-23 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> dy_NC: array<f32>; // [N,C] gradient of the output, in packs as all below
@group(0) @binding(1) var<storage, read> x_NC: array<f32>; // [N,C] input of the forward
@group(0) @binding(2) var<storage, read> weight_C: array<f32>; // [C] scale
@group(0) @binding(3) var<storage, read> rstd_N: array<f32>; // [N] 1 / sqrt(mean(x²) + eps)
@group(0) @binding(4) var<storage, read> residual_NC: array<f32>; // [N,C] read only if RESIDUAL
@group(0) @binding(5) var<storage, read_write> dx_NC: array<f32>; // [N,C] gradient of the input
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override RESIDUAL: u32;
alias Pack = f32;
override PACKS: u32 = C / 1u; // of a row

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return x;
}

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

fn store(start: u32, i: u32, dx: Pack) {
  if (i < PACKS && RESIDUAL == 1u) {
    dx_NC[start + i] = dx + residual_NC[start + i];
  } else if (i < PACKS) {
    dx_NC[start + i] = dx;
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Uniform in the workgroup, so the barriers below stay legal.
  let row = index;
  if (row >= N) {
    return;
  }
  let first = lane;
  let start = row * PACKS;
  let rstd = rstd_N[row];
  var sums_gn = Pack();
  for (var i = first; i < PACKS; i += WG) {
    let g = dy_NC[start + i] * weight_C[i];
    let n = x_NC[start + i] * rstd;
    sums_gn += g * n;
  }
  let mean_gn = row_sum(total(sums_gn), lane) / f32(C);
  for (var i = first; i < PACKS; i += WG) {
    let g = dy_NC[start + i] * weight_C[i];
    let n = x_NC[start + i] * rstd;
    store(start, i, rstd * (g - n * mean_gn));
  }
}
`,
  rmsnorm_backward_input_middle: `// rmsnorm_backward_input_middle — dx = rstd (g - n mean(g n)) (+ residual), g = dy * weight, n = x rstd
// Shapes:   dy[N,C] x[N,C] weight[C] rstd[N] residual[N,C] -> dx[N,C]
// Dispatch: one workgroup of WG invocations per row; needs: 8 C bytes of workgroup memory
// Method:   g and n are held in workgroup memory
// Source:   derivative of Zhang & Sennrich 2019 (arXiv:1910.07467) eq. 4; CPU twin rmsnorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(C)) 2^-23 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> dy_NC: array<vec4f>; // [N,C] gradient of the output, in packs as all below
@group(0) @binding(1) var<storage, read> x_NC: array<vec4f>; // [N,C] input of the forward
@group(0) @binding(2) var<storage, read> weight_C: array<vec4f>; // [C] scale
@group(0) @binding(3) var<storage, read> rstd_N: array<f32>; // [N] 1 / sqrt(mean(x²) + eps)
@group(0) @binding(4) var<storage, read> residual_NC: array<vec4f>; // [N,C] read only if RESIDUAL
@group(0) @binding(5) var<storage, read_write> dx_NC: array<vec4f>; // [N,C] gradient of the input
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override RESIDUAL: u32;
alias Pack = vec4f;
override PACKS: u32 = C / 4u; // of a row
var<workgroup> kept_g: array<Pack, PACKS>;
var<workgroup> kept_n: array<Pack, PACKS>;

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return (x.x + x.y) + (x.z + x.w);
}

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

fn store(start: u32, i: u32, dx: Pack) {
  if (i < PACKS && RESIDUAL == 1u) {
    dx_NC[start + i] = dx + residual_NC[start + i];
  } else if (i < PACKS) {
    dx_NC[start + i] = dx;
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Uniform in the workgroup, so the barriers below stay legal.
  let row = index;
  if (row >= N) {
    return;
  }
  let first = lane;
  let start = row * PACKS;
  let rstd = rstd_N[row];
  var sums_gn = Pack();
  for (var i = first; i < PACKS; i += WG) {
    let g = dy_NC[start + i] * weight_C[i];
    let n = x_NC[start + i] * rstd;
    kept_g[i] = g;
    kept_n[i] = n;
    sums_gn += g * n;
  }
  let mean_gn = row_sum(total(sums_gn), lane) / f32(C);
  for (var i = first; i < PACKS; i += WG) {
    let g = kept_g[i];
    let n = kept_n[i];
    store(start, i, rstd * (g - n * mean_gn));
  }
}
`,
  rmsnorm_backward_input_middle_odd: `// rmsnorm_backward_input_middle_odd — dx = rstd (g - n mean(g n)) (+ residual), g = dy * weight, n = x rstd
// Shapes:   dy[N,C] x[N,C] weight[C] rstd[N] residual[N,C] -> dx[N,C]
// Dispatch: one workgroup of WG invocations per row; needs: 8 C bytes of workgroup memory
// Method:   g and n are held in workgroup memory
// Source:   derivative of Zhang & Sennrich 2019 (arXiv:1910.07467) eq. 4; CPU twin rmsnorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(C)) 2^-23 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> dy_NC: array<f32>; // [N,C] gradient of the output, in packs as all below
@group(0) @binding(1) var<storage, read> x_NC: array<f32>; // [N,C] input of the forward
@group(0) @binding(2) var<storage, read> weight_C: array<f32>; // [C] scale
@group(0) @binding(3) var<storage, read> rstd_N: array<f32>; // [N] 1 / sqrt(mean(x²) + eps)
@group(0) @binding(4) var<storage, read> residual_NC: array<f32>; // [N,C] read only if RESIDUAL
@group(0) @binding(5) var<storage, read_write> dx_NC: array<f32>; // [N,C] gradient of the input
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override RESIDUAL: u32;
alias Pack = f32;
override PACKS: u32 = C / 1u; // of a row
var<workgroup> kept_g: array<Pack, PACKS>;
var<workgroup> kept_n: array<Pack, PACKS>;

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return x;
}

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

fn store(start: u32, i: u32, dx: Pack) {
  if (i < PACKS && RESIDUAL == 1u) {
    dx_NC[start + i] = dx + residual_NC[start + i];
  } else if (i < PACKS) {
    dx_NC[start + i] = dx;
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Uniform in the workgroup, so the barriers below stay legal.
  let row = index;
  if (row >= N) {
    return;
  }
  let first = lane;
  let start = row * PACKS;
  let rstd = rstd_N[row];
  var sums_gn = Pack();
  for (var i = first; i < PACKS; i += WG) {
    let g = dy_NC[start + i] * weight_C[i];
    let n = x_NC[start + i] * rstd;
    kept_g[i] = g;
    kept_n[i] = n;
    sums_gn += g * n;
  }
  let mean_gn = row_sum(total(sums_gn), lane) / f32(C);
  for (var i = first; i < PACKS; i += WG) {
    let g = kept_g[i];
    let n = kept_n[i];
    store(start, i, rstd * (g - n * mean_gn));
  }
}
`,
  rmsnorm_backward_input_short: `// rmsnorm_backward_input_short — dx = rstd (g - n mean(g n)) (+ residual), g = dy * weight, n = x rstd
// Shapes:   dy[N,C] x[N,C] weight[C] rstd[N] residual[N,C] -> dx[N,C]
// Dispatch: R lanes of a subgroup per row, WG / R rows per workgroup; needs: subgroups of R lanes at least
// Method:   g and n are held in registers, K packs by each lane of the row
// Source:   derivative of Zhang & Sennrich 2019 (arXiv:1910.07467) eq. 4; CPU twin rmsnorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(C)) 2^-23 of the largest entry vs f64
enable subgroups;
@group(0) @binding(0) var<storage, read> dy_NC: array<vec4f>; // [N,C] gradient of the output, in packs as all below
@group(0) @binding(1) var<storage, read> x_NC: array<vec4f>; // [N,C] input of the forward
@group(0) @binding(2) var<storage, read> weight_C: array<vec4f>; // [C] scale
@group(0) @binding(3) var<storage, read> rstd_N: array<f32>; // [N] 1 / sqrt(mean(x²) + eps)
@group(0) @binding(4) var<storage, read> residual_NC: array<vec4f>; // [N,C] read only if RESIDUAL
@group(0) @binding(5) var<storage, read_write> dx_NC: array<vec4f>; // [N,C] gradient of the input
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override RESIDUAL: u32;
override R: u32; // lanes of a row, a power of two
override K: u32; // packs of a lane, 8 at most
alias Pack = vec4f;
override PACKS: u32 = C / 4u; // of a row

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return (x.x + x.y) + (x.z + x.w);
}

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

fn store(start: u32, i: u32, dx: Pack) {
  if (i < PACKS && RESIDUAL == 1u) {
    dx_NC[start + i] = dx + residual_NC[start + i];
  } else if (i < PACKS) {
    dx_NC[start + i] = dx;
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Lanes of rows beyond the last one work on that again, since shuffles need them, and store nothing.
  let own_row = index * (WG / R) + lane / R;
  let row = min(own_row, N - 1u);
  let first = lane % R;
  let start = row * PACKS;
  let rstd = rstd_N[row];
  var sums_gn = Pack();
  var g0 = Pack();
  var n0 = Pack();
  var g1 = Pack();
  var n1 = Pack();
  var g2 = Pack();
  var n2 = Pack();
  var g3 = Pack();
  var n3 = Pack();
  var g4 = Pack();
  var n4 = Pack();
  var g5 = Pack();
  var n5 = Pack();
  var g6 = Pack();
  var n6 = Pack();
  var g7 = Pack();
  var n7 = Pack();
  if (0u < K && first + 0u * R < PACKS) {
    g0 = dy_NC[start + first + 0u * R] * weight_C[first + 0u * R];
    n0 = x_NC[start + first + 0u * R] * rstd;
  }
  if (1u < K && first + 1u * R < PACKS) {
    g1 = dy_NC[start + first + 1u * R] * weight_C[first + 1u * R];
    n1 = x_NC[start + first + 1u * R] * rstd;
  }
  if (2u < K && first + 2u * R < PACKS) {
    g2 = dy_NC[start + first + 2u * R] * weight_C[first + 2u * R];
    n2 = x_NC[start + first + 2u * R] * rstd;
  }
  if (3u < K && first + 3u * R < PACKS) {
    g3 = dy_NC[start + first + 3u * R] * weight_C[first + 3u * R];
    n3 = x_NC[start + first + 3u * R] * rstd;
  }
  if (4u < K && first + 4u * R < PACKS) {
    g4 = dy_NC[start + first + 4u * R] * weight_C[first + 4u * R];
    n4 = x_NC[start + first + 4u * R] * rstd;
  }
  if (5u < K && first + 5u * R < PACKS) {
    g5 = dy_NC[start + first + 5u * R] * weight_C[first + 5u * R];
    n5 = x_NC[start + first + 5u * R] * rstd;
  }
  if (6u < K && first + 6u * R < PACKS) {
    g6 = dy_NC[start + first + 6u * R] * weight_C[first + 6u * R];
    n6 = x_NC[start + first + 6u * R] * rstd;
  }
  if (7u < K && first + 7u * R < PACKS) {
    g7 = dy_NC[start + first + 7u * R] * weight_C[first + 7u * R];
    n7 = x_NC[start + first + 7u * R] * rstd;
  }
  if (0u < K) { sums_gn += g0 * n0; }
  if (1u < K) { sums_gn += g1 * n1; }
  if (2u < K) { sums_gn += g2 * n2; }
  if (3u < K) { sums_gn += g3 * n3; }
  if (4u < K) { sums_gn += g4 * n4; }
  if (5u < K) { sums_gn += g5 * n5; }
  if (6u < K) { sums_gn += g6 * n6; }
  if (7u < K) { sums_gn += g7 * n7; }
  let mean_gn = row_sum(total(sums_gn), lane) / f32(C);
  if (own_row >= N) {
    return;
  }
  if (0u < K) { store(start, first + 0u * R, rstd * (g0 - n0 * mean_gn)); }
  if (1u < K) { store(start, first + 1u * R, rstd * (g1 - n1 * mean_gn)); }
  if (2u < K) { store(start, first + 2u * R, rstd * (g2 - n2 * mean_gn)); }
  if (3u < K) { store(start, first + 3u * R, rstd * (g3 - n3 * mean_gn)); }
  if (4u < K) { store(start, first + 4u * R, rstd * (g4 - n4 * mean_gn)); }
  if (5u < K) { store(start, first + 5u * R, rstd * (g5 - n5 * mean_gn)); }
  if (6u < K) { store(start, first + 6u * R, rstd * (g6 - n6 * mean_gn)); }
  if (7u < K) { store(start, first + 7u * R, rstd * (g7 - n7 * mean_gn)); }
}
`,
  rmsnorm_backward_input_short_odd: `// rmsnorm_backward_input_short_odd — dx = rstd (g - n mean(g n)) (+ residual), g = dy * weight, n = x rstd
// Shapes:   dy[N,C] x[N,C] weight[C] rstd[N] residual[N,C] -> dx[N,C]
// Dispatch: R lanes of a subgroup per row, WG / R rows per workgroup; needs: subgroups of R lanes at least
// Method:   g and n are held in registers, K packs by each lane of the row
// Source:   derivative of Zhang & Sennrich 2019 (arXiv:1910.07467) eq. 4; CPU twin rmsnorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(C)) 2^-23 of the largest entry vs f64
enable subgroups;
@group(0) @binding(0) var<storage, read> dy_NC: array<f32>; // [N,C] gradient of the output, in packs as all below
@group(0) @binding(1) var<storage, read> x_NC: array<f32>; // [N,C] input of the forward
@group(0) @binding(2) var<storage, read> weight_C: array<f32>; // [C] scale
@group(0) @binding(3) var<storage, read> rstd_N: array<f32>; // [N] 1 / sqrt(mean(x²) + eps)
@group(0) @binding(4) var<storage, read> residual_NC: array<f32>; // [N,C] read only if RESIDUAL
@group(0) @binding(5) var<storage, read_write> dx_NC: array<f32>; // [N,C] gradient of the input
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override RESIDUAL: u32;
override R: u32; // lanes of a row, a power of two
override K: u32; // packs of a lane, 8 at most
alias Pack = f32;
override PACKS: u32 = C / 1u; // of a row

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return x;
}

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

fn store(start: u32, i: u32, dx: Pack) {
  if (i < PACKS && RESIDUAL == 1u) {
    dx_NC[start + i] = dx + residual_NC[start + i];
  } else if (i < PACKS) {
    dx_NC[start + i] = dx;
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Lanes of rows beyond the last one work on that again, since shuffles need them, and store nothing.
  let own_row = index * (WG / R) + lane / R;
  let row = min(own_row, N - 1u);
  let first = lane % R;
  let start = row * PACKS;
  let rstd = rstd_N[row];
  var sums_gn = Pack();
  var g0 = Pack();
  var n0 = Pack();
  var g1 = Pack();
  var n1 = Pack();
  var g2 = Pack();
  var n2 = Pack();
  var g3 = Pack();
  var n3 = Pack();
  var g4 = Pack();
  var n4 = Pack();
  var g5 = Pack();
  var n5 = Pack();
  var g6 = Pack();
  var n6 = Pack();
  var g7 = Pack();
  var n7 = Pack();
  if (0u < K && first + 0u * R < PACKS) {
    g0 = dy_NC[start + first + 0u * R] * weight_C[first + 0u * R];
    n0 = x_NC[start + first + 0u * R] * rstd;
  }
  if (1u < K && first + 1u * R < PACKS) {
    g1 = dy_NC[start + first + 1u * R] * weight_C[first + 1u * R];
    n1 = x_NC[start + first + 1u * R] * rstd;
  }
  if (2u < K && first + 2u * R < PACKS) {
    g2 = dy_NC[start + first + 2u * R] * weight_C[first + 2u * R];
    n2 = x_NC[start + first + 2u * R] * rstd;
  }
  if (3u < K && first + 3u * R < PACKS) {
    g3 = dy_NC[start + first + 3u * R] * weight_C[first + 3u * R];
    n3 = x_NC[start + first + 3u * R] * rstd;
  }
  if (4u < K && first + 4u * R < PACKS) {
    g4 = dy_NC[start + first + 4u * R] * weight_C[first + 4u * R];
    n4 = x_NC[start + first + 4u * R] * rstd;
  }
  if (5u < K && first + 5u * R < PACKS) {
    g5 = dy_NC[start + first + 5u * R] * weight_C[first + 5u * R];
    n5 = x_NC[start + first + 5u * R] * rstd;
  }
  if (6u < K && first + 6u * R < PACKS) {
    g6 = dy_NC[start + first + 6u * R] * weight_C[first + 6u * R];
    n6 = x_NC[start + first + 6u * R] * rstd;
  }
  if (7u < K && first + 7u * R < PACKS) {
    g7 = dy_NC[start + first + 7u * R] * weight_C[first + 7u * R];
    n7 = x_NC[start + first + 7u * R] * rstd;
  }
  if (0u < K) { sums_gn += g0 * n0; }
  if (1u < K) { sums_gn += g1 * n1; }
  if (2u < K) { sums_gn += g2 * n2; }
  if (3u < K) { sums_gn += g3 * n3; }
  if (4u < K) { sums_gn += g4 * n4; }
  if (5u < K) { sums_gn += g5 * n5; }
  if (6u < K) { sums_gn += g6 * n6; }
  if (7u < K) { sums_gn += g7 * n7; }
  let mean_gn = row_sum(total(sums_gn), lane) / f32(C);
  if (own_row >= N) {
    return;
  }
  if (0u < K) { store(start, first + 0u * R, rstd * (g0 - n0 * mean_gn)); }
  if (1u < K) { store(start, first + 1u * R, rstd * (g1 - n1 * mean_gn)); }
  if (2u < K) { store(start, first + 2u * R, rstd * (g2 - n2 * mean_gn)); }
  if (3u < K) { store(start, first + 3u * R, rstd * (g3 - n3 * mean_gn)); }
  if (4u < K) { store(start, first + 4u * R, rstd * (g4 - n4 * mean_gn)); }
  if (5u < K) { store(start, first + 5u * R, rstd * (g5 - n5 * mean_gn)); }
  if (6u < K) { store(start, first + 6u * R, rstd * (g6 - n6 * mean_gn)); }
  if (7u < K) { store(start, first + 7u * R, rstd * (g7 - n7 * mean_gn)); }
}
`,
  rmsnorm_backward_weight: `// rmsnorm_backward_weight — dweight = Σ dy n (+ dweight) over rows, n = x rstd
// Shapes:   dy[N,C] x[N,C] rstd[N] -> dweight[C]
// Dispatch: one invocation per column, WG threads; needs: f32 only
// Method:   rows in ascending order, so the result does not depend on the launch
// Source:   derivative of Zhang & Sennrich 2019 (arXiv:1910.07467) eq. 4; CPU twin rmsnorm.cpu.ts
// Checked:  test/conformance.spec.ts, 5e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> dy_NC: array<f32>; // [N,C] gradient of the output
@group(0) @binding(1) var<storage, read> x_NC: array<f32>; // [N,C] input of the forward
@group(0) @binding(2) var<storage, read> rstd_N: array<f32>; // [N] 1 / sqrt(mean(x²) + eps)
@group(0) @binding(3) var<storage, read_write> dweight_C: array<f32>; // [C] read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override ACCUMULATE: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let column = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (column >= C) {
    return;
  }
  var sum = 0.0;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let row_end = N * groups.z;
  for (var row = 0u; row < row_end; row++) {
    sum += dy_NC[row * C + column] * (x_NC[row * C + column] * rstd_N[row]);
  }
  if (ACCUMULATE == 1u) {
    sum += dweight_C[column];
  }
  dweight_C[column] = sum;
}
`,
  rmsnorm_backward_weight_workgroup: `// rmsnorm_backward_weight_workgroup — dweight = Σ dy n (+ dweight) over rows, n = x rstd
// Shapes:   dy[N,C] x[N,C] rstd[N] -> dweight[C]
// Dispatch: one workgroup of 256 invocations per 8 columns
// Method:   32 rows side by side, each in ascending steps of 32; then a tree in workgroup memory of fixed order
// Source:   llm.c (f1e2ace) layernorm.cuh, layernorm_backward_kernel10; CPU twin rmsnorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(N)) 2^-23 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> dy_NC: array<f32>; // [N,C] gradient of the output
@group(0) @binding(1) var<storage, read> x_NC: array<f32>; // [N,C] input of the forward
@group(0) @binding(2) var<storage, read> rstd_N: array<f32>; // [N] 1 / sqrt(mean(x²) + eps)
@group(0) @binding(3) var<storage, read_write> dweight_C: array<f32>; // [C] read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override N: u32;
override C: u32;
override ACCUMULATE: u32;

alias Sum = f32;

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

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first_column = (first_group + group.y * groups.x + group.x) * COLUMNS;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (first_column >= C) {
    return;
  }
  let column = first_column + lane % COLUMNS;
  // Columns beyond the edge add up the last one again and store nothing.
  let safe_column = min(column, C - 1u);
  let y = lane / COLUMNS;
  var sum = Sum();
  for (var row = y; row < N; row += LANES) {
    sum += dy_NC[row * C + safe_column] * (x_NC[row * C + safe_column] * rstd_N[row]);
  }
  var total = column_sum(sum, lane);
  if (y > 0u || column >= C) {
    return;
  }
  if (ACCUMULATE == 1u) {
    total += dweight_C[column];
  }
  dweight_C[column] = total;
}
`,
  rmsnorm_forward: `// rmsnorm_forward — y = x * rstd * weight, rstd = 1 / sqrt(mean(x²) + eps), per row
// Shapes:   x[N,C] weight[C] -> y[N,C] rstd[N]
// Dispatch: one invocation per row, WG threads; needs: f32 only
// Method:   one pass for the squares, one for the output; x read twice
// Source:   Zhang & Sennrich 2019 (arXiv:1910.07467) eq. 4, eps inside the root; CPU twin rmsnorm.cpu.ts
// Checked:  test/conformance.spec.ts, 5e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> x_NC: array<f32>; // [N,C] input
@group(0) @binding(1) var<storage, read> weight_C: array<f32>; // [C] scale
@group(0) @binding(2) var<storage, read_write> y_NC: array<f32>; // [N,C] output
@group(0) @binding(3) var<storage, read_write> rstd_N: array<f32>; // [N] kept for the backward
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override EPSILON: f32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (row >= N) {
    return;
  }
  let start = row * C;
  var squares = 0.0;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let i_end = C * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let x = x_NC[start + i];
    squares += x * x;
  }
  let rstd = 1.0 / sqrt(squares / f32(C) + EPSILON);
  for (var i = 0u; i < i_end; i++) {
    y_NC[start + i] = x_NC[start + i] * rstd * weight_C[i];
  }
  rstd_N[row] = rstd;
}
`,
  rmsnorm_forward_long: `// rmsnorm_forward_long — y = x rstd weight, rstd = 1 / sqrt(mean(x²) + eps), per row
// Shapes:   x[N,C] weight[C] -> y[N,C] rstd[N]
// Dispatch: one workgroup of WG invocations per row; needs: f32 only
// Method:   nothing is held: x read twice
// Source:   Zhang & Sennrich 2019 (arXiv:1910.07467) eq. 4; OneFlow 0.9 rms_norm.cuh; CPU twin rmsnorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(C)) 2^-23 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> x_NC: array<vec4f>; // [N,C] input, in packs as all below
@group(0) @binding(1) var<storage, read> weight_C: array<vec4f>; // [C] scale
@group(0) @binding(2) var<storage, read_write> y_NC: array<vec4f>; // [N,C] output
@group(0) @binding(3) var<storage, read_write> rstd_N: array<f32>; // [N] kept for the backward
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override EPSILON: f32;
alias Pack = vec4f;
override PACKS: u32 = C / 4u; // of a row

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return (x.x + x.y) + (x.z + x.w);
}

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

fn store(start: u32, i: u32, normalised: Pack) {
  if (i < PACKS) {
    y_NC[start + i] = normalised * weight_C[i];
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Uniform in the workgroup, so the barriers below stay legal.
  let row = index;
  if (row >= N) {
    return;
  }
  let first = lane;
  let start = row * PACKS;
  var squares = 0.0;
  for (var i = first; i < PACKS; i += WG) {
    let x = x_NC[start + i];
    squares += total(x * x);
  }
  let rstd = 1.0 / sqrt(row_sum(squares, lane) / f32(C) + EPSILON);
  for (var i = first; i < PACKS; i += WG) {
    let x = x_NC[start + i];
    store(start, i, x * rstd);
  }
  if (first == 0u) {
    rstd_N[row] = rstd;
  }
}
`,
  rmsnorm_forward_long_odd: `// rmsnorm_forward_long_odd — y = x rstd weight, rstd = 1 / sqrt(mean(x²) + eps), per row
// Shapes:   x[N,C] weight[C] -> y[N,C] rstd[N]
// Dispatch: one workgroup of WG invocations per row; needs: f32 only
// Method:   nothing is held: x read twice
// Source:   Zhang & Sennrich 2019 (arXiv:1910.07467) eq. 4; OneFlow 0.9 rms_norm.cuh; CPU twin rmsnorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(C)) 2^-23 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> x_NC: array<f32>; // [N,C] input, in packs as all below
@group(0) @binding(1) var<storage, read> weight_C: array<f32>; // [C] scale
@group(0) @binding(2) var<storage, read_write> y_NC: array<f32>; // [N,C] output
@group(0) @binding(3) var<storage, read_write> rstd_N: array<f32>; // [N] kept for the backward
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override EPSILON: f32;
alias Pack = f32;
override PACKS: u32 = C / 1u; // of a row

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return x;
}

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

fn store(start: u32, i: u32, normalised: Pack) {
  if (i < PACKS) {
    y_NC[start + i] = normalised * weight_C[i];
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Uniform in the workgroup, so the barriers below stay legal.
  let row = index;
  if (row >= N) {
    return;
  }
  let first = lane;
  let start = row * PACKS;
  var squares = 0.0;
  for (var i = first; i < PACKS; i += WG) {
    let x = x_NC[start + i];
    squares += total(x * x);
  }
  let rstd = 1.0 / sqrt(row_sum(squares, lane) / f32(C) + EPSILON);
  for (var i = first; i < PACKS; i += WG) {
    let x = x_NC[start + i];
    store(start, i, x * rstd);
  }
  if (first == 0u) {
    rstd_N[row] = rstd;
  }
}
`,
  rmsnorm_forward_middle: `// rmsnorm_forward_middle — y = x rstd weight, rstd = 1 / sqrt(mean(x²) + eps), per row
// Shapes:   x[N,C] weight[C] -> y[N,C] rstd[N]
// Dispatch: one workgroup of WG invocations per row; needs: 4 C bytes of workgroup memory
// Method:   a row is held in workgroup memory
// Source:   Zhang & Sennrich 2019 (arXiv:1910.07467) eq. 4; OneFlow 0.9 rms_norm.cuh; CPU twin rmsnorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(C)) 2^-23 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> x_NC: array<vec4f>; // [N,C] input, in packs as all below
@group(0) @binding(1) var<storage, read> weight_C: array<vec4f>; // [C] scale
@group(0) @binding(2) var<storage, read_write> y_NC: array<vec4f>; // [N,C] output
@group(0) @binding(3) var<storage, read_write> rstd_N: array<f32>; // [N] kept for the backward
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override EPSILON: f32;
alias Pack = vec4f;
override PACKS: u32 = C / 4u; // of a row
var<workgroup> kept: array<Pack, PACKS>;

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return (x.x + x.y) + (x.z + x.w);
}

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

fn store(start: u32, i: u32, normalised: Pack) {
  if (i < PACKS) {
    y_NC[start + i] = normalised * weight_C[i];
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Uniform in the workgroup, so the barriers below stay legal.
  let row = index;
  if (row >= N) {
    return;
  }
  let first = lane;
  let start = row * PACKS;
  var squares = 0.0;
  for (var i = first; i < PACKS; i += WG) {
    let x = x_NC[start + i];
    kept[i] = x;
    squares += total(x * x);
  }
  let rstd = 1.0 / sqrt(row_sum(squares, lane) / f32(C) + EPSILON);
  for (var i = first; i < PACKS; i += WG) {
    let x = kept[i];
    store(start, i, x * rstd);
  }
  if (first == 0u) {
    rstd_N[row] = rstd;
  }
}
`,
  rmsnorm_forward_middle_odd: `// rmsnorm_forward_middle_odd — y = x rstd weight, rstd = 1 / sqrt(mean(x²) + eps), per row
// Shapes:   x[N,C] weight[C] -> y[N,C] rstd[N]
// Dispatch: one workgroup of WG invocations per row; needs: 4 C bytes of workgroup memory
// Method:   a row is held in workgroup memory
// Source:   Zhang & Sennrich 2019 (arXiv:1910.07467) eq. 4; OneFlow 0.9 rms_norm.cuh; CPU twin rmsnorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(C)) 2^-23 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> x_NC: array<f32>; // [N,C] input, in packs as all below
@group(0) @binding(1) var<storage, read> weight_C: array<f32>; // [C] scale
@group(0) @binding(2) var<storage, read_write> y_NC: array<f32>; // [N,C] output
@group(0) @binding(3) var<storage, read_write> rstd_N: array<f32>; // [N] kept for the backward
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override EPSILON: f32;
alias Pack = f32;
override PACKS: u32 = C / 1u; // of a row
var<workgroup> kept: array<Pack, PACKS>;

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return x;
}

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

fn store(start: u32, i: u32, normalised: Pack) {
  if (i < PACKS) {
    y_NC[start + i] = normalised * weight_C[i];
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Uniform in the workgroup, so the barriers below stay legal.
  let row = index;
  if (row >= N) {
    return;
  }
  let first = lane;
  let start = row * PACKS;
  var squares = 0.0;
  for (var i = first; i < PACKS; i += WG) {
    let x = x_NC[start + i];
    kept[i] = x;
    squares += total(x * x);
  }
  let rstd = 1.0 / sqrt(row_sum(squares, lane) / f32(C) + EPSILON);
  for (var i = first; i < PACKS; i += WG) {
    let x = kept[i];
    store(start, i, x * rstd);
  }
  if (first == 0u) {
    rstd_N[row] = rstd;
  }
}
`,
  rmsnorm_forward_short: `// rmsnorm_forward_short — y = x rstd weight, rstd = 1 / sqrt(mean(x²) + eps), per row
// Shapes:   x[N,C] weight[C] -> y[N,C] rstd[N]
// Dispatch: R lanes of a subgroup per row, WG / R rows per workgroup; needs: subgroups of R lanes at least
// Method:   a row is held in registers, K packs by each of its lanes
// Source:   Zhang & Sennrich 2019 (arXiv:1910.07467) eq. 4; OneFlow 0.9 rms_norm.cuh; CPU twin rmsnorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(C)) 2^-23 of the largest entry vs f64
enable subgroups;
@group(0) @binding(0) var<storage, read> x_NC: array<vec4f>; // [N,C] input, in packs as all below
@group(0) @binding(1) var<storage, read> weight_C: array<vec4f>; // [C] scale
@group(0) @binding(2) var<storage, read_write> y_NC: array<vec4f>; // [N,C] output
@group(0) @binding(3) var<storage, read_write> rstd_N: array<f32>; // [N] kept for the backward
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override EPSILON: f32;
override R: u32; // lanes of a row, a power of two
override K: u32; // packs of a lane, 8 at most
alias Pack = vec4f;
override PACKS: u32 = C / 4u; // of a row

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return (x.x + x.y) + (x.z + x.w);
}

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

fn load(start: u32, i: u32) -> Pack {
  if (i < PACKS) {
    return x_NC[start + i];
  }
  return Pack();
}

fn store(start: u32, i: u32, normalised: Pack) {
  if (i < PACKS) {
    y_NC[start + i] = normalised * weight_C[i];
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Lanes of rows beyond the last one work on that again, since shuffles need them, and store nothing.
  let own_row = index * (WG / R) + lane / R;
  let row = min(own_row, N - 1u);
  let first = lane % R;
  let start = row * PACKS;
  var squares = 0.0;
  var x0 = Pack();
  var x1 = Pack();
  var x2 = Pack();
  var x3 = Pack();
  var x4 = Pack();
  var x5 = Pack();
  var x6 = Pack();
  var x7 = Pack();
  if (0u < K) { x0 = load(start, first + 0u * R); squares += total(x0 * x0); }
  if (1u < K) { x1 = load(start, first + 1u * R); squares += total(x1 * x1); }
  if (2u < K) { x2 = load(start, first + 2u * R); squares += total(x2 * x2); }
  if (3u < K) { x3 = load(start, first + 3u * R); squares += total(x3 * x3); }
  if (4u < K) { x4 = load(start, first + 4u * R); squares += total(x4 * x4); }
  if (5u < K) { x5 = load(start, first + 5u * R); squares += total(x5 * x5); }
  if (6u < K) { x6 = load(start, first + 6u * R); squares += total(x6 * x6); }
  if (7u < K) { x7 = load(start, first + 7u * R); squares += total(x7 * x7); }
  let rstd = 1.0 / sqrt(row_sum(squares, lane) / f32(C) + EPSILON);
  if (own_row >= N) {
    return;
  }
  if (0u < K) { store(start, first + 0u * R, x0 * rstd); }
  if (1u < K) { store(start, first + 1u * R, x1 * rstd); }
  if (2u < K) { store(start, first + 2u * R, x2 * rstd); }
  if (3u < K) { store(start, first + 3u * R, x3 * rstd); }
  if (4u < K) { store(start, first + 4u * R, x4 * rstd); }
  if (5u < K) { store(start, first + 5u * R, x5 * rstd); }
  if (6u < K) { store(start, first + 6u * R, x6 * rstd); }
  if (7u < K) { store(start, first + 7u * R, x7 * rstd); }
  if (first == 0u) {
    rstd_N[row] = rstd;
  }
}
`,
  rmsnorm_forward_short_odd: `// rmsnorm_forward_short_odd — y = x rstd weight, rstd = 1 / sqrt(mean(x²) + eps), per row
// Shapes:   x[N,C] weight[C] -> y[N,C] rstd[N]
// Dispatch: R lanes of a subgroup per row, WG / R rows per workgroup; needs: subgroups of R lanes at least
// Method:   a row is held in registers, K packs by each of its lanes
// Source:   Zhang & Sennrich 2019 (arXiv:1910.07467) eq. 4; OneFlow 0.9 rms_norm.cuh; CPU twin rmsnorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(C)) 2^-23 of the largest entry vs f64
enable subgroups;
@group(0) @binding(0) var<storage, read> x_NC: array<f32>; // [N,C] input, in packs as all below
@group(0) @binding(1) var<storage, read> weight_C: array<f32>; // [C] scale
@group(0) @binding(2) var<storage, read_write> y_NC: array<f32>; // [N,C] output
@group(0) @binding(3) var<storage, read_write> rstd_N: array<f32>; // [N] kept for the backward
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override EPSILON: f32;
override R: u32; // lanes of a row, a power of two
override K: u32; // packs of a lane, 8 at most
alias Pack = f32;
override PACKS: u32 = C / 1u; // of a row

// row_reduction.include — sum of a pack; sum and maximum over the invocations of a row, the same bits in all of them
// Method:   short rows: butterflies of shuffles among R lanes; others: a tree in workgroup memory; both of fixed order
// Source:   OneFlow 0.9, oneflow/core/cuda/softmax.cuh: WarpAllReduce, BlockAllReduce
// Checked:  test/rows.spec.ts, with the shaders that include it
fn total(x: Pack) -> f32 {
  return x;
}

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

fn load(start: u32, i: u32) -> Pack {
  if (i < PACKS) {
    return x_NC[start + i];
  }
  return Pack();
}

fn store(start: u32, i: u32, normalised: Pack) {
  if (i < PACKS) {
    y_NC[start + i] = normalised * weight_C[i];
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
  // Lanes of rows beyond the last one work on that again, since shuffles need them, and store nothing.
  let own_row = index * (WG / R) + lane / R;
  let row = min(own_row, N - 1u);
  let first = lane % R;
  let start = row * PACKS;
  var squares = 0.0;
  var x0 = Pack();
  var x1 = Pack();
  var x2 = Pack();
  var x3 = Pack();
  var x4 = Pack();
  var x5 = Pack();
  var x6 = Pack();
  var x7 = Pack();
  if (0u < K) { x0 = load(start, first + 0u * R); squares += total(x0 * x0); }
  if (1u < K) { x1 = load(start, first + 1u * R); squares += total(x1 * x1); }
  if (2u < K) { x2 = load(start, first + 2u * R); squares += total(x2 * x2); }
  if (3u < K) { x3 = load(start, first + 3u * R); squares += total(x3 * x3); }
  if (4u < K) { x4 = load(start, first + 4u * R); squares += total(x4 * x4); }
  if (5u < K) { x5 = load(start, first + 5u * R); squares += total(x5 * x5); }
  if (6u < K) { x6 = load(start, first + 6u * R); squares += total(x6 * x6); }
  if (7u < K) { x7 = load(start, first + 7u * R); squares += total(x7 * x7); }
  let rstd = 1.0 / sqrt(row_sum(squares, lane) / f32(C) + EPSILON);
  if (own_row >= N) {
    return;
  }
  if (0u < K) { store(start, first + 0u * R, x0 * rstd); }
  if (1u < K) { store(start, first + 1u * R, x1 * rstd); }
  if (2u < K) { store(start, first + 2u * R, x2 * rstd); }
  if (3u < K) { store(start, first + 3u * R, x3 * rstd); }
  if (4u < K) { store(start, first + 4u * R, x4 * rstd); }
  if (5u < K) { store(start, first + 5u * R, x5 * rstd); }
  if (6u < K) { store(start, first + 6u * R, x6 * rstd); }
  if (7u < K) { store(start, first + 7u * R, x7 * rstd); }
  if (first == 0u) {
    rstd_N[row] = rstd;
  }
}
`,
  rope_backward: `// rope_backward — gradients of q and k turned back by the position's angles, and that of v, each apart
// Shapes:   dqkv[B,T,(H+2G)D] table[T,D] (cos of D/2 angles | sin) -> dq[B,T,H,D] dk[B,T,G,D] dv[B,T,G,D]
// Dispatch: one invocation per element of dqkv, WG threads in linear order; needs: f32 only
// Method:   the transpose of the forward: dx[j] = g[j] cos + g[j+D/2] sin, dx[j+D/2] = g[j+D/2] cos - g[j] sin
// Source:   derivative of Su et al. 2021 (arXiv:2104.09864) in Llama's form; CPU twin rope.cpu.ts
// Checked:  test/conformance.spec.ts, 1e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> dqkv_BTE: array<f32>; // [B,T,(H+2G)D] gradient of what attention reads
@group(0) @binding(1) var<storage, read> table_TD: array<f32>; // [T,D] cosines, then sines
@group(0) @binding(2) var<storage, read_write> dq_BTHD: array<f32>; // [B,T,H,D] gradient of the queries
@group(0) @binding(3) var<storage, read_write> dk_BTGD: array<f32>; // [B,T,G,D] gradient of the keys
@group(0) @binding(4) var<storage, read_write> dv_BTGD: array<f32>; // [B,T,G,D] gradient of the values
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override B: u32;
override T: u32;
override H: u32;
override G: u32;
override D: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  let width = (H + 2u * G) * D;
  if (index >= B * T * width) {
    return;
  }
  let row = index / width;
  let column = index % width;
  if (column >= (H + G) * D) {
    dv_BTGD[row * G * D + column - (H + G) * D] = dqkv_BTE[index];
    return;
  }
  let half = D / 2u;
  let d = column % D;
  let is_low = d < half;
  let other = select(index - half, index + half, is_low);
  let angle = row % T * D + d % half;
  let partner = dqkv_BTE[other];
  let dx = dqkv_BTE[index] * table_TD[angle] + select(-partner, partner, is_low) * table_TD[angle + half];
  if (column < H * D) {
    dq_BTHD[row * H * D + column] = dx;
  } else {
    dk_BTGD[row * G * D + column - H * D] = dx;
  }
}
`,
  rope_forward: `// rope_forward — qkv = q and k with their halves turned by the position's angles, and v, side by side
// Shapes:   q[B,T,H,D] k[B,T,G,D] v[B,T,G,D] table[T,D] (cos of D/2 angles | sin) -> qkv[B,T,(H+2G)D]
// Dispatch: one invocation per element of qkv, WG threads in linear order; needs: f32 only
// Method:   element j of a head pairs with J = j + D/2: out[j] = x[j] cos - x[J] sin, out[J] = x[J] cos + x[j] sin
// Source:   Su et al. 2021 (arXiv:2104.09864) in Llama's form (rotate_half); CPU twin rope.cpu.ts
// Checked:  test/conformance.spec.ts, 1e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> q_BTHD: array<f32>; // [B,T,H,D] queries
@group(0) @binding(1) var<storage, read> k_BTGD: array<f32>; // [B,T,G,D] keys
@group(0) @binding(2) var<storage, read> v_BTGD: array<f32>; // [B,T,G,D] values
@group(0) @binding(3) var<storage, read> table_TD: array<f32>; // [T,D] cosines, then sines
@group(0) @binding(4) var<storage, read_write> qkv_BTE: array<f32>; // [B,T,(H+2G)D] what attention reads
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override B: u32;
override T: u32;
override H: u32;
override G: u32;
override D: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  let width = (H + 2u * G) * D;
  if (index >= B * T * width) {
    return;
  }
  let row = index / width;
  let column = index % width;
  if (column >= (H + G) * D) {
    qkv_BTE[index] = v_BTGD[row * G * D + column - (H + G) * D];
    return;
  }
  let half = D / 2u;
  let d = column % D;
  let is_low = d < half;
  let other = select(column - half, column + half, is_low);
  let angle = row % T * D + d % half;
  var x = 0.0;
  var partner = 0.0;
  if (column < H * D) {
    x = q_BTHD[row * H * D + column];
    partner = q_BTHD[row * H * D + other];
  } else {
    x = k_BTGD[row * G * D + column - H * D];
    partner = k_BTGD[row * G * D + other - H * D];
  }
  qkv_BTE[index] = x * table_TD[angle] + select(partner, -partner, is_low) * table_TD[angle + half];
}
`,
  sgd: `// sgd — one step of stochastic gradient descent with decoupled decay (first) and a clip coefficient on the gradient
// Shapes:   gradient[L] hyper[4] -> weight[L]
// Dispatch: one invocation per element, WG threads in linear order; needs: f32 only
// Method:   g = gradient * clip; w *= 1 - lr*decay (if DECAY); w -= lr g
// Source:   torch.optim.SGD without momentum, decay as in arXiv:1711.05101 algorithm 1; CPU twin sgd.cpu.ts
// Checked:  test/conformance.spec.ts, 1e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> gradient_L: array<f32>; // [L] accumulated gradient
@group(0) @binding(1) var<storage, read> hyper_4: array<f32>; // [4] lr momentum decay clip
@group(0) @binding(2) var<storage, read_write> weight_L: array<f32>; // [L] parameter, updated
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override L: u32;
override DECAY: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= L) {
    return;
  }
  let lr = hyper_4[0];
  var weight = weight_L[index];
  if (DECAY == 1u) {
    weight *= 1.0 - lr * hyper_4[2];
  }
  weight_L[index] = weight - lr * (gradient_L[index] * hyper_4[3]);
}
`,
  sgd_momentum: `// sgd_momentum — one step of SGD with momentum, decoupled decay (first) and a clip coefficient on the gradient
// Shapes:   gradient[L] hyper[4] -> weight[L] momentum[L]
// Dispatch: one invocation per element, WG threads in linear order; needs: f32 only
// Method:   g = gradient * clip; w *= 1 - lr*decay (if DECAY); buf = mu buf + g; w -= lr buf. A zero buffer starts at g
// Source:   torch.optim.SGD (dampening 0, no Nesterov), decay as in arXiv:1711.05101; CPU twin sgd.cpu.ts
// Checked:  test/conformance.spec.ts, 1e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> gradient_L: array<f32>; // [L] accumulated gradient
@group(0) @binding(1) var<storage, read> hyper_4: array<f32>; // [4] lr momentum decay clip
@group(0) @binding(2) var<storage, read_write> weight_L: array<f32>; // [L] parameter, updated
@group(0) @binding(3) var<storage, read_write> momentum_L: array<f32>; // [L] buffer of past gradients, updated
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override L: u32;
override DECAY: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= L) {
    return;
  }
  let lr = hyper_4[0];
  var weight = weight_L[index];
  if (DECAY == 1u) {
    weight *= 1.0 - lr * hyper_4[2];
  }
  let momentum = hyper_4[1] * momentum_L[index] + gradient_L[index] * hyper_4[3];
  momentum_L[index] = momentum;
  weight_L[index] = weight - lr * momentum;
}
`,
  sum_of_squares: `// sum_of_squares — partials[p] = sum of x² over the p-th run of CHUNK elements
// Shapes:   x[L] -> partials[P]          CHUNK = ceil(L / P)
// Dispatch: one invocation per partial, WG threads; needs: f32 only
// Method:   each invocation adds up one run (sum_of_range.include.wgsl); the host adds the partials in double
// Source:   definition; CPU twin sum-of-squares.cpu.ts
// Checked:  test/conformance.spec.ts, 5e-6 of the largest partial vs f64
@group(0) @binding(0) var<storage, read> x_L: array<f32>; // [L] terms
@group(0) @binding(1) var<storage, read_write> partials_P: array<f32>; // [P] sums
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override L: u32;
override P: u32;
override CHUNK: u32;

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
  partials_P[partial] = sum_of_range(partial * CHUNK, min(L, (partial + 1u) * CHUNK));
}
`,
  sum_of_squares_packed: `// sum_of_squares_packed — partials[p] = sum of x² over the p-th range, for tensors that share the memory of x
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
`,
  swiglu_backward: `// swiglu_backward — dgate = dy up s (1 + gate (1 - s)), dup = dy gate s, s = 1 / (1 + exp(-gate))
// Shapes:   gate[L] up[L] dy[L] -> dgate[L] dup[L]
// Dispatch: one invocation per element, WG threads in linear order; needs: f32 only
// Method:   the sigmoid is made again from the gate, clamped as in the forward
// Source:   derivative of Shazeer 2020 (arXiv:2002.05202) eq. 5; CPU twin swiglu.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> gate_L: array<f32>; // [L] input of the forward
@group(0) @binding(1) var<storage, read> up_L: array<f32>; // [L] input of the forward
@group(0) @binding(2) var<storage, read> dy_L: array<f32>; // [L] gradient of the output
@group(0) @binding(3) var<storage, read_write> dgate_L: array<f32>; // [L] gradient of gate
@group(0) @binding(4) var<storage, read_write> dup_L: array<f32>; // [L] gradient of up
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override L: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= L) {
    return;
  }
  let gate = gate_L[index];
  let dy = dy_L[index];
  let sigmoid = 1.0 / (1.0 + exp(clamp(-gate, -80.0, 80.0)));
  dgate_L[index] = dy * up_L[index] * (sigmoid * (1.0 + gate * (1.0 - sigmoid)));
  dup_L[index] = dy * (gate * sigmoid);
}
`,
  swiglu_forward: `// swiglu_forward — y = gate / (1 + exp(-gate)) * up
// Shapes:   gate[L] up[L] -> y[L]
// Dispatch: one invocation per element, WG threads in linear order; needs: f32 only
// Method:   the exponential's argument is clamped to ±80: f32 overflows beyond, and the sigmoid is 0 or 1 long before
// Source:   Shazeer 2020 (arXiv:2002.05202) eq. 5, without biases; CPU twin swiglu.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> gate_L: array<f32>; // [L] goes through SiLU
@group(0) @binding(1) var<storage, read> up_L: array<f32>; // [L] is multiplied by it
@group(0) @binding(2) var<storage, read_write> y_L: array<f32>; // [L] output
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override L: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= L) {
    return;
  }
  let gate = gate_L[index];
  let sigmoid = 1.0 / (1.0 + exp(clamp(-gate, -80.0, 80.0)));
  y_L[index] = gate * sigmoid * up_L[index];
}
`,
  token_order: `// token_order — order: all positions, sorted by token, those of one token in ascending position
// Shapes:   tokens[N] -> order[N]
// Dispatch: one invocation per position, WG threads in linear order; needs: f32 only
// Method:   a position's place is the number of those before it: no two have the same place, so nothing is exchanged
// Source:   rank sort (Knuth, The Art of Computer Programming 3, 5.2); CPU twin embedding.cpu.ts
// Checked:  test/conformance.spec.ts, exactly the twin's order
@group(0) @binding(0) var<storage, read> tokens_N: array<u32>; // [N] token ids
@group(0) @binding(1) var<storage, read_write> order_N: array<u32>; // [N] positions in tokens
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let position = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (position >= N) {
    return;
  }
  let token = tokens_N[position];
  var place = 0u;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let earlier_end = position * groups.z;
  for (var other = 0u; other < earlier_end; other++) {
    place += select(0u, 1u, tokens_N[other] <= token);
  }
  let later_end = N * groups.z;
  for (var other = position + 1u; other < later_end; other++) {
    place += select(0u, 1u, tokens_N[other] < token);
  }
  order_N[place] = position;
}
`,
  widen: `// widen — y = x, of f16, in f32
// Shapes:   x[L] -> y[L]
// Dispatch: one invocation per word of x, which holds two elements, WG threads in linear order; needs: f32 only
// Method:   on the bits: exact, subnormal numbers included
// Source:   IEEE 754-2019 section 3.4; CPU twin cast.cpu.ts
// Checked:  test/conformance.spec.ts, exactly the twin's values
@group(0) @binding(0) var<storage, read> x_L: array<u32>; // [L] f16, two in a word, the first one low
@group(0) @binding(1) var<storage, read_write> y_L: array<f32>; // [L] f32
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override L: u32;

fn value(half_bits: u32) -> f32 {
  let sign = (half_bits & 0x8000u) << 16u;
  let magnitude = half_bits & 0x7fffu;
  if (magnitude >= 0x7c00u) {
    return bitcast<f32>(sign | 0x7f800000u | ((magnitude & 0x3ffu) << 13u));
  }
  if (magnitude < 0x400u) {
    return bitcast<f32>(sign | bitcast<u32>(f32(magnitude) * 0x1p-24));
  }
  return bitcast<f32>(sign | ((magnitude << 13u) + 0x38000000u));
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let word = (first_group + group.y * groups.x + group.x) * WG + lane;
  let index = word * 2u;
  if (index >= L) {
    return;
  }
  let bits = x_L[word];
  y_L[index] = value(bits & 0xffffu);
  if (index + 1u < L) {
    y_L[index + 1u] = value(bits >> 16u);
  }
}
`,
};
