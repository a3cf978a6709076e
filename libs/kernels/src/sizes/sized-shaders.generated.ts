// Generated from libs/kernels/src/**/*.wgsl by `node scripts/gen-kernels.mjs`; do not edit.

import type { SizedShader } from './sized-shader';

/** Shaders whose sizes are in a buffer, by file name without extension. */
export const SIZED_SHADERS: Readonly<Record<string, SizedShader>> = {
  adamw: {
    sizes: { L: 'u32', DECAY: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> gradient_L: array<f32>;
@group(0) @binding(1) var<storage, read> hyper_10: array<f32>;
@group(0) @binding(2) var<storage, read_write> weight_L: array<f32>;
@group(0) @binding(3) var<storage, read_write> m_L: array<f32>;
@group(0) @binding(4) var<storage, read_write> v_L: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.L) {
    return;
  }

  let lr = hyper_10[0];
  let beta1 = hyper_10[1];
  let beta2 = hyper_10[2];
  let g = gradient_L[index] * hyper_10[7];
  var weight = weight_L[index];
  if (sizes.DECAY == 1u) {
    weight *= 1.0 - lr * hyper_10[4];
  }
  let m = beta1 * m_L[index] + hyper_10[8] * g;
  let v = beta2 * v_L[index] + hyper_10[9] * g * g;
  m_L[index] = m;
  v_L[index] = v;
  weight_L[index] = weight - lr * (m / hyper_10[5]) / (sqrt(v / hyper_10[6]) + hyper_10[3]);
}

struct Sizes {
  L: u32,
  DECAY: u32,
}
@group(0) @binding(5) var<uniform> sizes: Sizes;
`,
  },
  add: {
    sizes: { L: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> a_L: array<f32>;
@group(0) @binding(1) var<storage, read> b_L: array<f32>;
@group(0) @binding(2) var<storage, read_write> y_L: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.L) {
    return;
  }
  y_L[index] = a_L[index] + b_L[index];
}

struct Sizes {
  L: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  add_f16: {
    sizes: { L: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> a_L: array<f16>;
@group(0) @binding(1) var<storage, read> b_L: array<f16>;
@group(0) @binding(2) var<storage, read_write> y_L: array<f16>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

fn stored_half(value: f32) -> f16 {
  let infinite = bitcast<vec2<f16>>(select(0x7c00u, 0xfc00u, value < 0.0)).x;
  return select(f16(value), infinite, abs(value) >= 65520.0);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.L) {
    return;
  }
  y_L[index] = stored_half(f32(a_L[index]) + f32(b_L[index]));
}

struct Sizes {
  L: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  attention_key_backward: {
    sizes: { B: 'u32', T: 'u32', H: 'u32', G: 'u32', D: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> dscores_BHTT: array<f32>;
@group(0) @binding(1) var<storage, read> qkv_BTE: array<f32>;
@group(0) @binding(2) var<storage, read_write> dqkv_BTE: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  let width = sizes.G * sizes.D;
  let stride = (sizes.H + 2u * sizes.G) * sizes.D;
  if (index >= sizes.B * sizes.T * width) {
    return;
  }
  let column = index % width;
  let t = (index / width) % sizes.T;
  let b = index / (width * sizes.T);
  var sum = 0.0;

  let member_end = sizes.H / sizes.G * groups.z;
  for (var member = 0u; member < member_end; member++) {
    let head = column / sizes.D * (sizes.H / sizes.G) + member;
    let square = (b * sizes.H + head) * sizes.T * sizes.T;
    for (var i = t; i < sizes.T; i++) {
      sum += dscores_BHTT[square + i * sizes.T + t] * qkv_BTE[(b * sizes.T + i) * stride + head * sizes.D + column % sizes.D];
    }
  }
  dqkv_BTE[(b * sizes.T + t) * stride + sizes.H * sizes.D + column] = sum;
}

struct Sizes {
  B: u32,
  T: u32,
  H: u32,
  G: u32,
  D: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  attention_mix: {
    sizes: { B: 'u32', T: 'u32', H: 'u32', G: 'u32', D: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> probabilities_BHTT: array<f32>;
@group(0) @binding(1) var<storage, read> qkv_BTE: array<f32>;
@group(0) @binding(2) var<storage, read_write> y_BTC: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  let width = sizes.H * sizes.D;
  if (index >= sizes.B * sizes.T * width) {
    return;
  }
  let column = index % width;
  let i = (index / width) % sizes.T;
  let b = index / (width * sizes.T);
  let p_start = ((b * sizes.H + column / sizes.D) * sizes.T + i) * sizes.T;
  let stride = (sizes.H + 2u * sizes.G) * sizes.D;
  let v_start = b * sizes.T * stride + (sizes.H + sizes.G + column / sizes.D / (sizes.H / sizes.G)) * sizes.D + column % sizes.D;
  var sum = 0.0;
  for (var j = 0u; j <= i; j++) {
    sum += probabilities_BHTT[p_start + j] * qkv_BTE[v_start + j * stride];
  }
  y_BTC[index] = sum;
}

struct Sizes {
  B: u32,
  T: u32,
  H: u32,
  G: u32,
  D: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  attention_nn_subgroup: {
    sizes: { H: 'u32', HEADS: 'u32', M: 'u32', K: 'u32', N: 'u32', A_BATCH: 'u32', A_HEAD: 'u32', A_OFFSET: 'u32', A_STRIDE: 'u32', B_BATCH: 'u32', B_HEAD: 'u32', B_OFFSET: 'u32', B_STRIDE: 'u32', C_BATCH: 'u32', C_HEAD: 'u32', C_OFFSET: 'u32', C_STRIDE: 'u32' },
    text: `enable subgroups;

@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> c: array<vec4f>;
@group(1) @binding(0) var<uniform> first_group: u32;

const ROWS = 16u;

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (sizes.N + 31u) / 32u;
  let tiles = tiles_across * ((sizes.M + ROWS - 1u) / ROWS);
  let index = first_group + group.y * groups.x + group.x;
  let head = index / tiles;
  let row = (index % tiles) / tiles_across * ROWS;
  let column = (index % tiles_across) * 32u + lane * 4u;
  if (head >= sizes.HEADS) {
    return;
  }
  let a_start = (head / sizes.H * sizes.A_BATCH + head % sizes.H * sizes.A_HEAD + sizes.A_OFFSET) / 4u;
  let b_start = (head / sizes.H * sizes.B_BATCH + head % sizes.H * sizes.B_HEAD + sizes.B_OFFSET) / 4u;

  let safe_column = min(column, sizes.N - 4u);
  let a_low = a_start + min(row + lane, sizes.M - 1u) * (sizes.A_STRIDE / 4u);
  let a_high = a_start + min(row + 8u + lane, sizes.M - 1u) * (sizes.A_STRIDE / 4u);
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
  for (var k = 0u; k < min(sizes.K, row + ROWS); k += 4u) {
    let low = a[a_low + k / 4u];
    let high = a[a_high + k / 4u];
    let start = b_column + k * (sizes.B_STRIDE / 4u);
    let right = mat4x4f(
      b[start], b[start + sizes.B_STRIDE / 4u], b[start + sizes.B_STRIDE / 4u * 2u], b[start + sizes.B_STRIDE / 4u * 3u],
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
  if (column >= sizes.N) {
    return;
  }
  let c_start = (head / sizes.H * sizes.C_BATCH + head % sizes.H * sizes.C_HEAD + sizes.C_OFFSET + column) / 4u;

  let i_end = min(ROWS, sizes.M - row) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    c[c_start + (row + i) * (sizes.C_STRIDE / 4u)] = sums[i];
  }
}

struct Sizes {
  H: u32,
  HEADS: u32,
  M: u32,
  K: u32,
  N: u32,
  A_BATCH: u32,
  A_HEAD: u32,
  A_OFFSET: u32,
  A_STRIDE: u32,
  B_BATCH: u32,
  B_HEAD: u32,
  B_OFFSET: u32,
  B_STRIDE: u32,
  C_BATCH: u32,
  C_HEAD: u32,
  C_OFFSET: u32,
  C_STRIDE: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  attention_nt_subgroup: {
    sizes: { H: 'u32', HEADS: 'u32', M: 'u32', K: 'u32', N: 'u32', A_BATCH: 'u32', A_HEAD: 'u32', A_OFFSET: 'u32', A_STRIDE: 'u32', B_BATCH: 'u32', B_HEAD: 'u32', B_OFFSET: 'u32', B_STRIDE: 'u32', C_BATCH: 'u32', C_HEAD: 'u32', C_OFFSET: 'u32', C_STRIDE: 'u32', SCALE: 'f32' },
    text: `enable subgroups;

@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> c: array<vec4f>;
@group(1) @binding(0) var<uniform> first_group: u32;

const ROWS = 16u;

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (sizes.N + 31u) / 32u;
  let tiles = tiles_across * ((sizes.M + ROWS - 1u) / ROWS);
  let index = first_group + group.y * groups.x + group.x;
  let head = index / tiles;
  let row = (index % tiles) / tiles_across * ROWS;
  let column = (index % tiles_across) * 32u + lane * 4u;

  if (head >= sizes.HEADS || (index % tiles_across) * 32u >= row + ROWS) {
    return;
  }
  let a_start = (head / sizes.H * sizes.A_BATCH + head % sizes.H * sizes.A_HEAD + sizes.A_OFFSET) / 4u;
  let b_start = (head / sizes.H * sizes.B_BATCH + head % sizes.H * sizes.B_HEAD + sizes.B_OFFSET) / 4u;

  let safe_column = min(column, sizes.N - 4u);
  let a_low = a_start + min(row + lane, sizes.M - 1u) * (sizes.A_STRIDE / 4u);
  let a_high = a_start + min(row + 8u + lane, sizes.M - 1u) * (sizes.A_STRIDE / 4u);
  let b_rows = b_start + safe_column * (sizes.B_STRIDE / 4u);
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

  let k_end = sizes.K / 4u * groups.z;
  for (var k = 0u; k < k_end; k++) {
    let low = a[a_low + k];
    let high = a[a_high + k];
    let start = b_rows + k;
    let right = transpose(
      mat4x4f(b[start], b[start + sizes.B_STRIDE / 4u], b[start + sizes.B_STRIDE / 4u * 2u], b[start + sizes.B_STRIDE / 4u * 3u]),
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
  if (column >= sizes.N) {
    return;
  }
  let c_start = (head / sizes.H * sizes.C_BATCH + head % sizes.H * sizes.C_HEAD + sizes.C_OFFSET + column) / 4u;
  let i_end = min(ROWS, sizes.M - row) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    c[c_start + (row + i) * (sizes.C_STRIDE / 4u)] = sums[i] * sizes.SCALE;
  }
}

struct Sizes {
  H: u32,
  HEADS: u32,
  M: u32,
  K: u32,
  N: u32,
  A_BATCH: u32,
  A_HEAD: u32,
  A_OFFSET: u32,
  A_STRIDE: u32,
  B_BATCH: u32,
  B_HEAD: u32,
  B_OFFSET: u32,
  B_STRIDE: u32,
  C_BATCH: u32,
  C_HEAD: u32,
  C_OFFSET: u32,
  C_STRIDE: u32,
  SCALE: f32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  attention_query_backward: {
    sizes: { B: 'u32', T: 'u32', H: 'u32', G: 'u32', D: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> dscores_BHTT: array<f32>;
@group(0) @binding(1) var<storage, read> qkv_BTE: array<f32>;
@group(0) @binding(2) var<storage, read_write> dqkv_BTE: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  let width = sizes.H * sizes.D;
  if (index >= sizes.B * sizes.T * width) {
    return;
  }
  let column = index % width;
  let t = (index / width) % sizes.T;
  let b = index / (width * sizes.T);
  let square = (b * sizes.H + column / sizes.D) * sizes.T * sizes.T;
  let stride = (sizes.H + 2u * sizes.G) * sizes.D;
  let k_start = b * sizes.T * stride + (sizes.H + column / sizes.D / (sizes.H / sizes.G)) * sizes.D + column % sizes.D;
  var sum = 0.0;
  for (var j = 0u; j <= t; j++) {
    sum += dscores_BHTT[square + t * sizes.T + j] * qkv_BTE[k_start + j * stride];
  }
  dqkv_BTE[(b * sizes.T + t) * stride + column] = sum;
}

struct Sizes {
  B: u32,
  T: u32,
  H: u32,
  G: u32,
  D: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  attention_scores: {
    sizes: { B: 'u32', T: 'u32', H: 'u32', G: 'u32', D: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> queries_BTE: array<f32>;
@group(0) @binding(1) var<storage, read> keys_BTE: array<f32>;
@group(0) @binding(2) var<storage, read_write> scores_BHTT: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.B * sizes.H * sizes.T * sizes.T) {
    return;
  }
  let j = index % sizes.T;
  let i = (index / sizes.T) % sizes.T;
  if (j > i) {
    return;
  }
  let head = index / (sizes.T * sizes.T);
  let stride = (sizes.H + 2u * sizes.G) * sizes.D;
  let base = (head / sizes.H) * sizes.T * stride;
  let q_start = base + i * stride + (head % sizes.H) * sizes.D;
  let k_start = base + j * stride + (sizes.H + (head % sizes.H) / (sizes.H / sizes.G)) * sizes.D;
  var sum = 0.0;

  let d_end = sizes.D * groups.z;
  for (var d = 0u; d < d_end; d++) {
    sum += queries_BTE[q_start + d] * keys_BTE[k_start + d];
  }
  scores_BHTT[index] = sum * inverseSqrt(f32(sizes.D));
}

struct Sizes {
  B: u32,
  T: u32,
  H: u32,
  G: u32,
  D: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  attention_scores_backward: {
    sizes: { B: 'u32', T: 'u32', H: 'u32', G: 'u32', D: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> dy_BTC: array<f32>;
@group(0) @binding(1) var<storage, read> qkv_BTE: array<f32>;
@group(0) @binding(2) var<storage, read_write> dscores_BHTT: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.B * sizes.H * sizes.T * sizes.T) {
    return;
  }
  let j = index % sizes.T;
  let i = (index / sizes.T) % sizes.T;
  if (j > i) {
    return;
  }
  let head = index / (sizes.T * sizes.T);
  let width = sizes.H * sizes.D;
  let b = head / sizes.H;
  let column = (head % sizes.H) * sizes.D;
  let dy_start = (b * sizes.T + i) * width + column;
  let v_start = ((b * sizes.T + j) * (sizes.H + 2u * sizes.G) + sizes.H + sizes.G + (head % sizes.H) / (sizes.H / sizes.G)) * sizes.D;
  var sum = 0.0;

  let d_end = sizes.D * groups.z;
  for (var d = 0u; d < d_end; d++) {
    sum += dy_BTC[dy_start + d] * qkv_BTE[v_start + d];
  }
  dscores_BHTT[index] = sum;
}

struct Sizes {
  B: u32,
  T: u32,
  H: u32,
  G: u32,
  D: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  attention_softmax: {
    sizes: { B: 'u32', T: 'u32', H: 'u32' },
    text: `@group(0) @binding(0) var<storage, read_write> probabilities_BHTT: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (row >= sizes.B * sizes.H * sizes.T) {
    return;
  }
  let start = row * sizes.T;
  let count = row % sizes.T + 1u;
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
  for (var j = count; j < sizes.T; j++) {
    probabilities_BHTT[start + j] = 0.0;
  }
}

struct Sizes {
  B: u32,
  T: u32,
  H: u32,
}
@group(0) @binding(1) var<uniform> sizes: Sizes;
`,
  },
  attention_softmax_backward: {
    sizes: { B: 'u32', T: 'u32', H: 'u32', D: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> probabilities_BHTT: array<f32>;
@group(0) @binding(1) var<storage, read_write> dscores_BHTT: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (row >= sizes.B * sizes.H * sizes.T) {
    return;
  }
  let start = row * sizes.T;
  let count = row % sizes.T + 1u;
  var inner = 0.0;
  for (var j = 0u; j < count; j++) {
    inner += probabilities_BHTT[start + j] * dscores_BHTT[start + j];
  }

  let scale = inverseSqrt(f32(sizes.D));
  for (var j = 0u; j < count; j++) {
    dscores_BHTT[start + j] = probabilities_BHTT[start + j] * scale * (dscores_BHTT[start + j] - inner);
  }
  for (var j = count; j < sizes.T; j++) {
    dscores_BHTT[start + j] = 0.0;
  }
}

struct Sizes {
  B: u32,
  T: u32,
  H: u32,
  D: u32,
}
@group(0) @binding(2) var<uniform> sizes: Sizes;
`,
  },
  attention_tn_subgroup: {
    sizes: { H: 'u32', HEADS: 'u32', M: 'u32', K: 'u32', N: 'u32', A_BATCH: 'u32', A_HEAD: 'u32', A_OFFSET: 'u32', A_STRIDE: 'u32', B_BATCH: 'u32', B_HEAD: 'u32', B_OFFSET: 'u32', B_STRIDE: 'u32', C_BATCH: 'u32', C_HEAD: 'u32', C_OFFSET: 'u32', C_STRIDE: 'u32' },
    text: `enable subgroups;

@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> c: array<vec4f>;
@group(1) @binding(0) var<uniform> first_group: u32;

const ROWS = 16u;

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (sizes.N + 31u) / 32u;
  let tiles = tiles_across * ((sizes.M + ROWS - 1u) / ROWS);
  let index = first_group + group.y * groups.x + group.x;
  let head = index / tiles;
  let row = (index % tiles) / tiles_across * ROWS;
  let column = (index % tiles_across) * 32u + lane * 4u;
  if (head >= sizes.HEADS) {
    return;
  }
  let a_start = (head / sizes.H * sizes.A_BATCH + head % sizes.H * sizes.A_HEAD + sizes.A_OFFSET) / 4u;
  let b_start = (head / sizes.H * sizes.B_BATCH + head % sizes.H * sizes.B_HEAD + sizes.B_OFFSET) / 4u;

  let safe_column = min(column, sizes.N - 4u);

  let a_lane = a_start + (lane % 4u) * (sizes.A_STRIDE / 4u);
  let a_low = a_lane + min(row / 4u + lane / 4u, sizes.M / 4u - 1u);
  let a_high = a_lane + min(row / 4u + 2u + lane / 4u, sizes.M / 4u - 1u);
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
  for (var k = row; k < sizes.K; k += 4u) {
    let low = a[a_low + k * (sizes.A_STRIDE / 4u)];
    let high = a[a_high + k * (sizes.A_STRIDE / 4u)];
    let start = b_column + k * (sizes.B_STRIDE / 4u);
    let right = mat4x4f(
      b[start], b[start + sizes.B_STRIDE / 4u], b[start + sizes.B_STRIDE / 4u * 2u], b[start + sizes.B_STRIDE / 4u * 3u],
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
  if (column >= sizes.N) {
    return;
  }
  let c_start = (head / sizes.H * sizes.C_BATCH + head % sizes.H * sizes.C_HEAD + sizes.C_OFFSET + column) / 4u;

  let i_end = min(ROWS, sizes.M - row) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    c[c_start + (row + i) * (sizes.C_STRIDE / 4u)] = sums[i];
  }
}

struct Sizes {
  H: u32,
  HEADS: u32,
  M: u32,
  K: u32,
  N: u32,
  A_BATCH: u32,
  A_HEAD: u32,
  A_OFFSET: u32,
  A_STRIDE: u32,
  B_BATCH: u32,
  B_HEAD: u32,
  B_OFFSET: u32,
  B_STRIDE: u32,
  C_BATCH: u32,
  C_HEAD: u32,
  C_OFFSET: u32,
  C_STRIDE: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  attention_value_backward: {
    sizes: { B: 'u32', T: 'u32', H: 'u32', G: 'u32', D: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> probabilities_BHTT: array<f32>;
@group(0) @binding(1) var<storage, read> dy_BTC: array<f32>;
@group(0) @binding(2) var<storage, read_write> dqkv_BTE: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  let width = sizes.G * sizes.D;
  let stride = (sizes.H + 2u * sizes.G) * sizes.D;
  if (index >= sizes.B * sizes.T * width) {
    return;
  }
  let column = index % width;
  let t = (index / width) % sizes.T;
  let b = index / (width * sizes.T);
  var sum = 0.0;

  let member_end = sizes.H / sizes.G * groups.z;
  for (var member = 0u; member < member_end; member++) {
    let head = column / sizes.D * (sizes.H / sizes.G) + member;
    let square = (b * sizes.H + head) * sizes.T * sizes.T;
    for (var i = t; i < sizes.T; i++) {
      sum += probabilities_BHTT[square + i * sizes.T + t] * dy_BTC[((b * sizes.T + i) * sizes.H + head) * sizes.D + column % sizes.D];
    }
  }
  dqkv_BTE[(b * sizes.T + t) * stride + (sizes.H + sizes.G) * sizes.D + column] = sum;
}

struct Sizes {
  B: u32,
  T: u32,
  H: u32,
  G: u32,
  D: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  bias_backward: {
    sizes: { N: 'u32', C: 'u32', ACCUMULATE: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> dy_NC: array<f32>;
@group(0) @binding(1) var<storage, read_write> db_C: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let column = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (column >= sizes.C) {
    return;
  }
  var sum = 0.0;

  let row_end = sizes.N * groups.z;
  for (var row = 0u; row < row_end; row++) {
    sum += dy_NC[row * sizes.C + column];
  }
  if (sizes.ACCUMULATE == 1u) {
    sum += db_C[column];
  }
  db_C[column] = sum;
}

struct Sizes {
  N: u32,
  C: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(2) var<uniform> sizes: Sizes;
`,
  },
  bias_backward_f16: {
    sizes: { N: 'u32', C: 'u32', ACCUMULATE: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> dy_NC: array<f16>;
@group(0) @binding(1) var<storage, read_write> db_C: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let column = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (column >= sizes.C) {
    return;
  }
  var sum = 0.0;

  let row_end = sizes.N * groups.z;
  for (var row = 0u; row < row_end; row++) {
    sum += f32(dy_NC[row * sizes.C + column]);
  }
  if (sizes.ACCUMULATE == 1u) {
    sum += db_C[column];
  }
  db_C[column] = sum;
}

struct Sizes {
  N: u32,
  C: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(2) var<uniform> sizes: Sizes;
`,
  },
  cross_entropy_backward: {
    sizes: { N: 'u32', V: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> logits_NV: array<f32>;
@group(0) @binding(1) var<storage, read> targets_N: array<u32>;
@group(0) @binding(2) var<storage, read> lse_N: array<f32>;
@group(0) @binding(3) var<storage, read> scale_1: array<f32>;
@group(0) @binding(4) var<storage, read_write> dlogits_NV: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

const IGNORED = 0xffffffffu;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.N * sizes.V) {
    return;
  }
  let row = index / sizes.V;
  let softmax = exp(logits_NV[index] - lse_N[row]);
  let target_id = targets_N[row];
  let onehot = select(0.0, 1.0, index % sizes.V == target_id);
  dlogits_NV[index] = select((softmax - onehot) * scale_1[0], 0.0, target_id == IGNORED);
}

struct Sizes {
  N: u32,
  V: u32,
}
@group(0) @binding(5) var<uniform> sizes: Sizes;
`,
  },
  cross_entropy_forward: {
    sizes: { N: 'u32', V: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> logits_NV: array<f32>;
@group(0) @binding(1) var<storage, read> targets_N: array<u32>;
@group(0) @binding(2) var<storage, read_write> loss_N: array<f32>;
@group(0) @binding(3) var<storage, read_write> lse_N: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

const IGNORED = 0xffffffffu;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (row >= sizes.N) {
    return;
  }
  let start = row * sizes.V;
  var maximum = logits_NV[start];

  let i_end = sizes.V * groups.z;
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

struct Sizes {
  N: u32,
  V: u32,
}
@group(0) @binding(4) var<uniform> sizes: Sizes;
`,
  },
  cross_entropy_gradient: {
    sizes: { N: 'u32', V: 'u32', FIRST: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> targets_N: array<u32>;
@group(0) @binding(1) var<storage, read> lse_N: array<f32>;
@group(0) @binding(2) var<storage, read> scale_1: array<f32>;
@group(0) @binding(3) var<storage, read_write> logits_NV: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

const IGNORED = 0xffffffffu;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.N * sizes.V) {
    return;
  }
  let row = index / sizes.V;
  let softmax = exp(logits_NV[index] - lse_N[row]);
  let target_id = targets_N[row];
  let onehot = select(0.0, 1.0, sizes.FIRST + index % sizes.V == target_id);
  logits_NV[index] = select((softmax - onehot) * scale_1[0], 0.0, target_id == IGNORED);
}

struct Sizes {
  N: u32,
  V: u32,
  FIRST: u32,
}
@group(0) @binding(4) var<uniform> sizes: Sizes;
`,
  },
  dropout: {
    sizes: { B: 'u32', T: 'u32', C: 'u32', THRESHOLD: 'u32', SCALE: 'f32', RESIDUAL: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> x_BTC: array<f32>;
@group(0) @binding(1) var<storage, read> residual_BTC: array<f32>;
@group(0) @binding(2) var<storage, read> site_2: array<u32>;
@group(0) @binding(3) var<storage, read> sequences_B5: array<u32>;
@group(0) @binding(4) var<storage, read_write> y_BTC: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

const PHILOX_M0 = 0xd2511f53u;
const PHILOX_M1 = 0xcd9e8d57u;
const PHILOX_W = vec2u(0x9e3779b9u, 0xbb67ae85u);

fn multiply_high(a: u32, b: u32) -> u32 {
  let a_low = a & 0xffffu;
  let a_high = a >> 16u;
  let b_low = b & 0xffffu;
  let b_high = b >> 16u;
  let middle = a_high * b_low + ((a_low * b_low) >> 16u);
  let cross = a_low * b_high + (middle & 0xffffu);
  return a_high * b_high + (middle >> 16u) + (cross >> 16u);
}

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
  let length = sizes.T * sizes.C;
  let block_count = (length + 3u) / 4u;
  if (index >= sizes.B * block_count) {
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
    var y = select(sizes.SCALE * x_BTC[element], 0.0, words.x < sizes.THRESHOLD);
    if (sizes.RESIDUAL == 1u) {
      y += residual_BTC[element];
    }
    y_BTC[element] = y;
    words = words.yzwx;
  }
}

struct Sizes {
  B: u32,
  T: u32,
  C: u32,
  THRESHOLD: u32,
  SCALE: f32,
  RESIDUAL: u32,
}
@group(0) @binding(5) var<uniform> sizes: Sizes;
`,
  },
  dropout_f16: {
    sizes: { B: 'u32', T: 'u32', C: 'u32', THRESHOLD: 'u32', SCALE: 'f32', RESIDUAL: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> x_BTC: array<f16>;
@group(0) @binding(1) var<storage, read> residual_BTC: array<f16>;
@group(0) @binding(2) var<storage, read> site_2: array<u32>;
@group(0) @binding(3) var<storage, read> sequences_B5: array<u32>;
@group(0) @binding(4) var<storage, read_write> y_BTC: array<f16>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

const PHILOX_M0 = 0xd2511f53u;
const PHILOX_M1 = 0xcd9e8d57u;
const PHILOX_W = vec2u(0x9e3779b9u, 0xbb67ae85u);

fn multiply_high(a: u32, b: u32) -> u32 {
  let a_low = a & 0xffffu;
  let a_high = a >> 16u;
  let b_low = b & 0xffffu;
  let b_high = b >> 16u;
  let middle = a_high * b_low + ((a_low * b_low) >> 16u);
  let cross = a_low * b_high + (middle & 0xffffu);
  return a_high * b_high + (middle >> 16u) + (cross >> 16u);
}

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

fn stored_half(value: f32) -> f16 {
  let infinite = bitcast<vec2<f16>>(select(0x7c00u, 0xfc00u, value < 0.0)).x;
  return select(f16(value), infinite, abs(value) >= 65520.0);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  let length = sizes.T * sizes.C;
  let block_count = (length + 3u) / 4u;
  if (index >= sizes.B * block_count) {
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
    var y = select(sizes.SCALE * f32(x_BTC[element]), 0.0, words.x < sizes.THRESHOLD);
    if (sizes.RESIDUAL == 1u) {
      y += f32(residual_BTC[element]);
    }
    y_BTC[element] = stored_half(y);
    words = words.yzwx;
  }
}

struct Sizes {
  B: u32,
  T: u32,
  C: u32,
  THRESHOLD: u32,
  SCALE: f32,
  RESIDUAL: u32,
}
@group(0) @binding(5) var<uniform> sizes: Sizes;
`,
  },
  embedding_backward_position: {
    sizes: { B: 'u32', T: 'u32', C: 'u32', ACCUMULATE: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> dy_BTC: array<f32>;
@group(0) @binding(1) var<storage, read_write> dwpe_TC: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.T * sizes.C) {
    return;
  }
  var sum = 0.0;

  let b_end = sizes.B * groups.z;
  for (var b = 0u; b < b_end; b++) {
    sum += dy_BTC[b * sizes.T * sizes.C + index];
  }
  if (sizes.ACCUMULATE == 1u) {
    sum += dwpe_TC[index];
  }
  dwpe_TC[index] = sum;
}

struct Sizes {
  B: u32,
  T: u32,
  C: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(2) var<uniform> sizes: Sizes;
`,
  },
  embedding_backward_position_f16: {
    sizes: { B: 'u32', T: 'u32', C: 'u32', ACCUMULATE: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> dy_BTC: array<f16>;
@group(0) @binding(1) var<storage, read_write> dwpe_TC: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.T * sizes.C) {
    return;
  }
  var sum = 0.0;

  let b_end = sizes.B * groups.z;
  for (var b = 0u; b < b_end; b++) {
    sum += f32(dy_BTC[b * sizes.T * sizes.C + index]);
  }
  if (sizes.ACCUMULATE == 1u) {
    sum += dwpe_TC[index];
  }
  dwpe_TC[index] = sum;
}

struct Sizes {
  B: u32,
  T: u32,
  C: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(2) var<uniform> sizes: Sizes;
`,
  },
  embedding_backward_token: {
    sizes: { B: 'u32', T: 'u32', C: 'u32', V: 'u32', FIRST: 'u32', FIRST_ROW: 'u32', ACCUMULATE: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> tokens_N: array<u32>;
@group(0) @binding(1) var<storage, read> order_N: array<u32>;
@group(0) @binding(2) var<storage, read> dy_BTC: array<f32>;
@group(0) @binding(3) var<storage, read_write> dwte_VC: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.V * sizes.C) {
    return;
  }
  let token = sizes.FIRST + index / sizes.C;
  let column = index % sizes.C;
  var sum = 0.0;

  let row_end = sizes.B * sizes.T * groups.z;
  for (var row = 0u; row < row_end; row++) {
    if (tokens_N[sizes.FIRST_ROW + row] == token) {
      sum += dy_BTC[row * sizes.C + column];
    }
  }
  if (sizes.ACCUMULATE == 1u) {
    sum += dwte_VC[index];
  }
  dwte_VC[index] = sum;
}

struct Sizes {
  B: u32,
  T: u32,
  C: u32,
  V: u32,
  FIRST: u32,
  FIRST_ROW: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(4) var<uniform> sizes: Sizes;
`,
  },
  embedding_backward_token_f16: {
    sizes: { B: 'u32', T: 'u32', C: 'u32', V: 'u32', FIRST: 'u32', FIRST_ROW: 'u32', ACCUMULATE: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> tokens_N: array<u32>;
@group(0) @binding(1) var<storage, read> order_N: array<u32>;
@group(0) @binding(2) var<storage, read> dy_BTC: array<f16>;
@group(0) @binding(3) var<storage, read_write> dwte_VC: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.V * sizes.C) {
    return;
  }
  let token = sizes.FIRST + index / sizes.C;
  let column = index % sizes.C;
  var sum = 0.0;

  let row_end = sizes.B * sizes.T * groups.z;
  for (var row = 0u; row < row_end; row++) {
    if (tokens_N[sizes.FIRST_ROW + row] == token) {
      sum += f32(dy_BTC[row * sizes.C + column]);
    }
  }
  if (sizes.ACCUMULATE == 1u) {
    sum += dwte_VC[index];
  }
  dwte_VC[index] = sum;
}

struct Sizes {
  B: u32,
  T: u32,
  C: u32,
  V: u32,
  FIRST: u32,
  FIRST_ROW: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(4) var<uniform> sizes: Sizes;
`,
  },
  embedding_backward_token_sorted: {
    sizes: { B: 'u32', T: 'u32', N: 'u32', C: 'u32', V: 'u32', FIRST: 'u32', FIRST_ROW: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> tokens_N: array<u32>;
@group(0) @binding(1) var<storage, read> order_N: array<u32>;
@group(0) @binding(2) var<storage, read> dy_BTC: array<f32>;
@group(0) @binding(3) var<storage, read_write> dwte_VC: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

fn token_at(place: u32) -> u32 {
  return tokens_N[order_N[place]];
}

fn bucket_end(start: u32, token: u32) -> u32 {
  var inside = start;
  var outside = start + 1u;
  while (outside < sizes.N && token_at(outside) == token) {
    inside = outside;
    outside = start + 2u * (outside - start);
  }
  outside = min(outside, sizes.N);
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
  if (index >= sizes.N * sizes.C) {
    return;
  }
  let start = index / sizes.C;
  let column = index % sizes.C;
  let token = token_at(start);

  if (token - sizes.FIRST >= sizes.V || (start > 0u && token_at(start - 1u) == token)) {
    return;
  }
  let end = bucket_end(start, token);
  var sum = 0.0;
  for (var place = start; place < end; place++) {
    let row = order_N[place] - sizes.FIRST_ROW;
    if (row < sizes.B * sizes.T) {
      sum += dy_BTC[row * sizes.C + column];
    }
  }
  let to = (token - sizes.FIRST) * sizes.C + column;
  dwte_VC[to] = sum + dwte_VC[to];
}

struct Sizes {
  B: u32,
  T: u32,
  N: u32,
  C: u32,
  V: u32,
  FIRST: u32,
  FIRST_ROW: u32,
}
@group(0) @binding(4) var<uniform> sizes: Sizes;
`,
  },
  embedding_backward_token_sorted_f16: {
    sizes: { B: 'u32', T: 'u32', N: 'u32', C: 'u32', V: 'u32', FIRST: 'u32', FIRST_ROW: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> tokens_N: array<u32>;
@group(0) @binding(1) var<storage, read> order_N: array<u32>;
@group(0) @binding(2) var<storage, read> dy_BTC: array<f16>;
@group(0) @binding(3) var<storage, read_write> dwte_VC: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

fn token_at(place: u32) -> u32 {
  return tokens_N[order_N[place]];
}

fn bucket_end(start: u32, token: u32) -> u32 {
  var inside = start;
  var outside = start + 1u;
  while (outside < sizes.N && token_at(outside) == token) {
    inside = outside;
    outside = start + 2u * (outside - start);
  }
  outside = min(outside, sizes.N);
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
  if (index >= sizes.N * sizes.C) {
    return;
  }
  let start = index / sizes.C;
  let column = index % sizes.C;
  let token = token_at(start);

  if (token - sizes.FIRST >= sizes.V || (start > 0u && token_at(start - 1u) == token)) {
    return;
  }
  let end = bucket_end(start, token);
  var sum = 0.0;
  for (var place = start; place < end; place++) {
    let row = order_N[place] - sizes.FIRST_ROW;
    if (row < sizes.B * sizes.T) {
      sum += f32(dy_BTC[row * sizes.C + column]);
    }
  }
  let to = (token - sizes.FIRST) * sizes.C + column;
  dwte_VC[to] = sum + dwte_VC[to];
}

struct Sizes {
  B: u32,
  T: u32,
  N: u32,
  C: u32,
  V: u32,
  FIRST: u32,
  FIRST_ROW: u32,
}
@group(0) @binding(4) var<uniform> sizes: Sizes;
`,
  },
  embedding_forward: {
    sizes: { B: 'u32', T: 'u32', C: 'u32', V: 'u32', FIRST: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> tokens_BT: array<u32>;
@group(0) @binding(1) var<storage, read> wte_VC: array<f32>;
@group(0) @binding(2) var<storage, read> wpe_TC: array<f32>;
@group(0) @binding(3) var<storage, read_write> y_BTC: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.B * sizes.T * sizes.C) {
    return;
  }
  let row = index / sizes.C;
  let column = index % sizes.C;

  let token = tokens_BT[row] - sizes.FIRST;
  if (token >= sizes.V) {
    return;
  }
  y_BTC[index] = wte_VC[token * sizes.C + column] + wpe_TC[(row % sizes.T) * sizes.C + column];
}

struct Sizes {
  B: u32,
  T: u32,
  C: u32,
  V: u32,
  FIRST: u32,
}
@group(0) @binding(4) var<uniform> sizes: Sizes;
`,
  },
  embedding_forward_f16: {
    sizes: { B: 'u32', T: 'u32', C: 'u32', V: 'u32', FIRST: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> tokens_BT: array<u32>;
@group(0) @binding(1) var<storage, read> wte_VC: array<f32>;
@group(0) @binding(2) var<storage, read> wpe_TC: array<f32>;
@group(0) @binding(3) var<storage, read_write> y_BTC: array<f16>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

fn stored_half(value: f32) -> f16 {
  let infinite = bitcast<vec2<f16>>(select(0x7c00u, 0xfc00u, value < 0.0)).x;
  return select(f16(value), infinite, abs(value) >= 65520.0);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.B * sizes.T * sizes.C) {
    return;
  }
  let row = index / sizes.C;
  let column = index % sizes.C;

  let token = tokens_BT[row] - sizes.FIRST;
  if (token >= sizes.V) {
    return;
  }
  y_BTC[index] = stored_half(wte_VC[token * sizes.C + column] + wpe_TC[(row % sizes.T) * sizes.C + column]);
}

struct Sizes {
  B: u32,
  T: u32,
  C: u32,
  V: u32,
  FIRST: u32,
}
@group(0) @binding(4) var<uniform> sizes: Sizes;
`,
  },
  embedding_forward_token: {
    sizes: { B: 'u32', T: 'u32', C: 'u32', V: 'u32', FIRST: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> tokens_BT: array<u32>;
@group(0) @binding(1) var<storage, read> wte_VC: array<f32>;
@group(0) @binding(2) var<storage, read_write> y_BTC: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.B * sizes.T * sizes.C) {
    return;
  }

  let token = tokens_BT[index / sizes.C] - sizes.FIRST;
  if (token >= sizes.V) {
    return;
  }
  y_BTC[index] = wte_VC[token * sizes.C + index % sizes.C];
}

struct Sizes {
  B: u32,
  T: u32,
  C: u32,
  V: u32,
  FIRST: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  embedding_forward_token_f16: {
    sizes: { B: 'u32', T: 'u32', C: 'u32', V: 'u32', FIRST: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> tokens_BT: array<u32>;
@group(0) @binding(1) var<storage, read> wte_VC: array<f32>;
@group(0) @binding(2) var<storage, read_write> y_BTC: array<f16>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

fn stored_half(value: f32) -> f16 {
  let infinite = bitcast<vec2<f16>>(select(0x7c00u, 0xfc00u, value < 0.0)).x;
  return select(f16(value), infinite, abs(value) >= 65520.0);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.B * sizes.T * sizes.C) {
    return;
  }

  let token = tokens_BT[index / sizes.C] - sizes.FIRST;
  if (token >= sizes.V) {
    return;
  }
  y_BTC[index] = stored_half(wte_VC[token * sizes.C + index % sizes.C]);
}

struct Sizes {
  B: u32,
  T: u32,
  C: u32,
  V: u32,
  FIRST: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  flash_attention_backward_scalar: {
    sizes: { B: 'u32', T: 'u32', H: 'u32', G: 'u32', D: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> qkv_BTE: array<f32>;
@group(0) @binding(1) var<storage, read> dy_BTC: array<f32>;
@group(0) @binding(2) var<storage, read> lse_BHT: array<f32>;
@group(0) @binding(3) var<storage, read> inner_BHT: array<f32>;
@group(0) @binding(4) var<storage, read_write> dqkv_BTE: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

const COLUMNS = 16u;

/** Four columns of a row of qkv; those beyond the head are its last one again, and are not stored. */
fn projected(row: u32, column: u32) -> vec4f {
  let at = row + min(column + vec4u(0u, 1u, 2u, 3u), vec4u(sizes.D - 1u));
  return vec4f(qkv_BTE[at.x], qkv_BTE[at.y], qkv_BTE[at.z], qkv_BTE[at.w]);
}

/** The same of dy. */
fn gradient(row: u32, column: u32) -> vec4f {
  let at = row + min(column + vec4u(0u, 1u, 2u, 3u), vec4u(sizes.D - 1u));
  return vec4f(dy_BTC[at.x], dy_BTC[at.y], dy_BTC[at.z], dy_BTC[at.w]);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  let parts = (sizes.D + COLUMNS - 1u) / COLUMNS;
  let row = index / parts;
  if (row >= sizes.B * (sizes.H + sizes.G) * sizes.T) {
    return;
  }
  let first = index % parts * COLUMNS;
  let of_keys = row >= sizes.B * sizes.H * sizes.T;
  let within = select(row, row - sizes.B * sizes.H * sizes.T, of_keys);
  let own = within % sizes.T;
  let own_head = within / sizes.T % select(sizes.H, sizes.G, of_keys);
  let b = within / sizes.T / select(sizes.H, sizes.G, of_keys);
  let stride = (sizes.H + 2u * sizes.G) * sizes.D;
  let scale = inverseSqrt(f32(sizes.D));

  let d_end = sizes.D * groups.z;
  var sums = mat4x4f();
  var dv = mat4x4f();
  let member_end = select(1u, sizes.H / sizes.G, of_keys) * groups.z;
  for (var member = 0u; member < member_end; member++) {
    let head = select(own_head, own_head * (sizes.H / sizes.G) + member, of_keys);
    let end = select(own + 1u, sizes.T, of_keys);
    for (var other = select(0u, own, of_keys); other < end; other++) {
      let i = select(own, other, of_keys);
      let j = select(other, own, of_keys);
      let q = (b * sizes.T + i) * stride + head * sizes.D;
      let k = (b * sizes.T + j) * stride + (sizes.H + head / (sizes.H / sizes.G)) * sizes.D;
      let dy = ((b * sizes.T + i) * sizes.H + head) * sizes.D;
      var score = 0.0;
      var g = 0.0;
      for (var d = 0u; d < d_end; d++) {
        score += qkv_BTE[q + d] * qkv_BTE[k + d];
        g += dy_BTC[dy + d] * qkv_BTE[k + sizes.G * sizes.D + d];
      }
      let statistic = (b * sizes.H + head) * sizes.T + i;
      let p = exp(score * scale - lse_BHT[statistic]);

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
  let out = (b * sizes.T + own) * stride + select(own_head, sizes.H + own_head, of_keys) * sizes.D + first;
  let column_end = min(COLUMNS, sizes.D - first) * groups.z;
  for (var c = 0u; c < column_end; c++) {
    dqkv_BTE[out + c] = sums[c / 4u][c % 4u];
    if (of_keys) {
      dqkv_BTE[out + sizes.G * sizes.D + c] = dv[c / 4u][c % 4u];
    }
  }
}

struct Sizes {
  B: u32,
  T: u32,
  H: u32,
  G: u32,
  D: u32,
}
@group(0) @binding(5) var<uniform> sizes: Sizes;
`,
  },
  flash_attention_backward_scalar_f16: {
    sizes: { B: 'u32', T: 'u32', H: 'u32', G: 'u32', D: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> qkv_BTE: array<f16>;
@group(0) @binding(1) var<storage, read> dy_BTC: array<f16>;
@group(0) @binding(2) var<storage, read> lse_BHT: array<f32>;
@group(0) @binding(3) var<storage, read> inner_BHT: array<f32>;
@group(0) @binding(4) var<storage, read_write> dqkv_BTE: array<f16>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

const COLUMNS = 16u;

/** Four columns of a row of qkv; those beyond the head are its last one again, and are not stored. */
fn projected(row: u32, column: u32) -> vec4f {
  let at = row + min(column + vec4u(0u, 1u, 2u, 3u), vec4u(sizes.D - 1u));
  return vec4f(f32(qkv_BTE[at.x]), f32(qkv_BTE[at.y]), f32(qkv_BTE[at.z]), f32(qkv_BTE[at.w]));
}

/** The same of dy. */
fn gradient(row: u32, column: u32) -> vec4f {
  let at = row + min(column + vec4u(0u, 1u, 2u, 3u), vec4u(sizes.D - 1u));
  return vec4f(f32(dy_BTC[at.x]), f32(dy_BTC[at.y]), f32(dy_BTC[at.z]), f32(dy_BTC[at.w]));
}

fn stored_half(value: f32) -> f16 {
  let infinite = bitcast<vec2<f16>>(select(0x7c00u, 0xfc00u, value < 0.0)).x;
  return select(f16(value), infinite, abs(value) >= 65520.0);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  let parts = (sizes.D + COLUMNS - 1u) / COLUMNS;
  let row = index / parts;
  if (row >= sizes.B * (sizes.H + sizes.G) * sizes.T) {
    return;
  }
  let first = index % parts * COLUMNS;
  let of_keys = row >= sizes.B * sizes.H * sizes.T;
  let within = select(row, row - sizes.B * sizes.H * sizes.T, of_keys);
  let own = within % sizes.T;
  let own_head = within / sizes.T % select(sizes.H, sizes.G, of_keys);
  let b = within / sizes.T / select(sizes.H, sizes.G, of_keys);
  let stride = (sizes.H + 2u * sizes.G) * sizes.D;
  let scale = inverseSqrt(f32(sizes.D));

  let d_end = sizes.D * groups.z;
  var sums = mat4x4f();
  var dv = mat4x4f();
  let member_end = select(1u, sizes.H / sizes.G, of_keys) * groups.z;
  for (var member = 0u; member < member_end; member++) {
    let head = select(own_head, own_head * (sizes.H / sizes.G) + member, of_keys);
    let end = select(own + 1u, sizes.T, of_keys);
    for (var other = select(0u, own, of_keys); other < end; other++) {
      let i = select(own, other, of_keys);
      let j = select(other, own, of_keys);
      let q = (b * sizes.T + i) * stride + head * sizes.D;
      let k = (b * sizes.T + j) * stride + (sizes.H + head / (sizes.H / sizes.G)) * sizes.D;
      let dy = ((b * sizes.T + i) * sizes.H + head) * sizes.D;
      var score = 0.0;
      var g = 0.0;
      for (var d = 0u; d < d_end; d++) {
        score += f32(qkv_BTE[q + d]) * f32(qkv_BTE[k + d]);
        g += f32(dy_BTC[dy + d]) * f32(qkv_BTE[k + sizes.G * sizes.D + d]);
      }
      let statistic = (b * sizes.H + head) * sizes.T + i;
      let p = exp(score * scale - lse_BHT[statistic]);

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
  let out = (b * sizes.T + own) * stride + select(own_head, sizes.H + own_head, of_keys) * sizes.D + first;
  let column_end = min(COLUMNS, sizes.D - first) * groups.z;
  for (var c = 0u; c < column_end; c++) {
    dqkv_BTE[out + c] = stored_half(sums[c / 4u][c % 4u]);
    if (of_keys) {
      dqkv_BTE[out + sizes.G * sizes.D + c] = stored_half(dv[c / 4u][c % 4u]);
    }
  }
}

struct Sizes {
  B: u32,
  T: u32,
  H: u32,
  G: u32,
  D: u32,
}
@group(0) @binding(5) var<uniform> sizes: Sizes;
`,
  },
  flash_attention_backward_subgroup: {
    sizes: { B: 'u32', T: 'u32', H: 'u32', G: 'u32', D: 'u32' },
    text: `enable subgroups;

@group(0) @binding(0) var<storage, read> qkv_BTE: array<vec4f>;
@group(0) @binding(1) var<storage, read> dy_BTC: array<vec4f>;
@group(0) @binding(2) var<storage, read> lse_BHT: array<f32>;
@group(0) @binding(3) var<storage, read> inner_BHT: array<f32>;
@group(0) @binding(4) var<storage, read_write> dqkv_BTE: array<vec4f>;
@group(1) @binding(0) var<uniform> first_group: u32;

override FAR: bool;

/** Four rows that lanes first .. first + 3 hold. */
fn rows_of(v: vec4f, first: u32) -> mat4x4f {
  let half = mat2x4f(subgroupShuffle(v, first), subgroupShuffle(v, first + 1u));
  return mat4x4f(half[0], half[1], subgroupShuffle(v, first + 2u), subgroupShuffle(v, first + 3u));
}

/** What a lane holds of four rows. */
fn lane_of(m: mat4x4f, lane: u32) -> mat4x4f {
  let half = mat2x4f(subgroupShuffle(m[0], lane), subgroupShuffle(m[1], lane));
  return mat4x4f(half[0], half[1], subgroupShuffle(m[2], lane), subgroupShuffle(m[3], lane));
}

/** Four rows of dy, or of a part of qkv. */
fn rows_at(base: u32, row: vec4u, in_dy: bool) -> mat4x4f {
  if (in_dy) {
    let at = base + row * (sizes.H * sizes.D / 4u);
    return mat4x4f(dy_BTC[at.x], dy_BTC[at.y], dy_BTC[at.z], dy_BTC[at.w]);
  }
  let at = base + row * ((sizes.H + 2u * sizes.G) * sizes.D / 4u);
  return mat4x4f(qkv_BTE[at.x], qkv_BTE[at.y], qkv_BTE[at.z], qkv_BTE[at.w]);
}

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let D4 = sizes.D / 4u;
  let stride = (sizes.H + 2u * sizes.G) * D4;
  let parts = (D4 + 15u) / 16u;
  let index = first_group + group.y * groups.x + group.x;
  let b = index / (sizes.G * parts);
  if (b >= sizes.B) { return; }
  let part = index % parts * 16u;
  let columns = min(part + lane + vec2u(0u, 8u), vec2u(D4 - 1u));
  let k = b * sizes.T * stride + (sizes.H + index / parts % sizes.G) * D4;
  let v = k + sizes.G * D4;
  let scale = inverseSqrt(f32(sizes.D));
  let four = vec4u(0u, 1u, 2u, 3u);

  for (var key = 0u; key < sizes.T * groups.z; key += 16u) {
    var dk = array<mat4x4f, 4>();
    var dv = array<mat4x4f, 4>();
    var dk_far = array<mat4x4f, 4>();
    var dv_far = array<mat4x4f, 4>();
    let rows = min(key + lane + vec2u(0u, 8u), vec2u(sizes.T - 1u)) * stride;
    for (var member = 0u; member < sizes.H / sizes.G * groups.z; member++) {
      let head = index / parts % sizes.G * (sizes.H / sizes.G) + member;
      let q = b * sizes.T * stride + head * D4;
      let dy = (b * sizes.T * sizes.H + head) * D4;
      for (var start = key / 32u * 32u; start < sizes.T; start += 32u) {
        let query = start + lane * 4u + four;
        let safe = min(query, vec4u(sizes.T - 1u));

        var p = array<mat4x4f, 4>();
        var ds = array<mat4x4f, 4>();
        for (var turn = 0u; turn < 2u * groups.z; turn++) {
          ds = p;
          p = array<mat4x4f, 4>();
          let own = select(k, v, turn == 0u);
          for (var d = 0u; d < D4 * groups.z; d++) {
            let columns = transpose(rows_at(select(q, dy, turn == 0u) + d, safe, turn == 0u));
            let keys = mat2x4f(qkv_BTE[own + rows.x + d], qkv_BTE[own + rows.y + d]);
            for (var i = 0u; i < 4u; i++) {
              p[i] += columns * rows_of(keys[i / 2u], i % 2u * 4u);
            }
          }
        }
        let at = (b * sizes.H + head) * sizes.T + safe;
        let lse = vec4f(lse_BHT[at.x], lse_BHT[at.y], lse_BHT[at.z], lse_BHT[at.w]);
        let inner = vec4f(inner_BHT[at.x], inner_BHT[at.y], inner_BHT[at.z], inner_BHT[at.w]);
        for (var i = 0u; i < 4u; i++) {
          for (var c = 0u; c < 4u; c++) {
            let visible = (query >= vec4u(key + i * 4u + c)) & (query < vec4u(sizes.T));
            p[i][c] = select(vec4f(), exp(p[i][c] * scale - lse), visible);

            ds[i][c] = p[i][c] * scale * (ds[i][c] - inner);
          }
        }
        for (var other = (max(key, start) - start) / 4u; other * 4u < min(32u, sizes.T - start); other++) {
          let others = min(start + other * 4u + four, vec4u(sizes.T - 1u));
          let q_near = rows_at(q + columns.x, others, false);
          let q_far = rows_at(q + columns.y, others, false);
          let dy_near = rows_at(dy + columns.x, others, true);
          let dy_far = rows_at(dy + columns.y, others, true);
          for (var i = 0u; i < 4u; i++) {
            dk[i] += q_near * lane_of(ds[i], other);
            dk_far[i] += q_far * lane_of(ds[i], other);
            dv[i] += dy_near * lane_of(p[i], other);
            dv_far[i] += dy_far * lane_of(p[i], other);
          }
        }
        for (var d = part; d < min(part + 16u, D4); d++) {
          let keys = mat2x4f(qkv_BTE[k + rows.x + d], qkv_BTE[k + rows.y + d]);
          var dq = mat4x4f();
          for (var i = 0u; i < 4u; i++) {
            dq += rows_of(keys[i / 2u], i % 2u * 4u) * transpose(ds[i]);
          }
          for (var i = 0u; i < 4u; i++) {
            let out = q + safe[i] * stride + d;
            if (query[i] < sizes.T) { dqkv_BTE[out] = select(dqkv_BTE[out] + dq[i], dq[i], key == 0u); }
          }
        }
      }
    }

    var near_rows = array<vec4f, 32>();
    var far_rows = array<vec4f, 32>();
    for (var i = 0u; i < 4u; i++) {
      for (var c = 0u; c < 4u; c++) {
        near_rows[i * 4u + c] = dk[i][c];
        near_rows[16u + i * 4u + c] = dv[i][c];
        far_rows[i * 4u + c] = dk_far[i][c];
        far_rows[16u + i * 4u + c] = dv_far[i][c];
      }
    }
    for (var i = 0u; i < 32u * groups.z; i++) {
      let out = select(k, v, i >= 16u) + (key + i % 16u) * stride + part + lane;
      let inside = key + i % 16u < sizes.T;
      if (inside && part + lane < D4) { dqkv_BTE[out] = near_rows[i]; }

      if (FAR && inside && part + lane + 8u < D4) { dqkv_BTE[out + 8u] = far_rows[i]; }
    }
  }
}

struct Sizes {
  B: u32,
  T: u32,
  H: u32,
  G: u32,
  D: u32,
}
@group(0) @binding(5) var<uniform> sizes: Sizes;
`,
  },
  flash_attention_forward_scalar: {
    sizes: { B: 'u32', T: 'u32', H: 'u32', G: 'u32', D: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> qkv_BTE: array<f32>;
@group(0) @binding(1) var<storage, read_write> y_BTC: array<f32>;
@group(0) @binding(2) var<storage, read_write> lse_BHT: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

const COLUMNS = 16u;

/** Four columns of a row of values; those beyond the head are its last one again, and are not stored. */
fn values_at(row: u32, column: u32) -> vec4f {
  let at = row + min(column + vec4u(0u, 1u, 2u, 3u), vec4u(sizes.D - 1u));
  return vec4f(qkv_BTE[at.x], qkv_BTE[at.y], qkv_BTE[at.z], qkv_BTE[at.w]);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  let parts = (sizes.D + COLUMNS - 1u) / COLUMNS;
  let row = index / parts;
  if (row >= sizes.B * sizes.H * sizes.T) {
    return;
  }
  let first = index % parts * COLUMNS;
  let i = row % sizes.T;
  let head = row / sizes.T % sizes.H;
  let b = row / (sizes.T * sizes.H);
  let stride = (sizes.H + 2u * sizes.G) * sizes.D;
  let q = (b * sizes.T + i) * stride + head * sizes.D;
  let k = b * sizes.T * stride + (sizes.H + head / (sizes.H / sizes.G)) * sizes.D;
  let scale = inverseSqrt(f32(sizes.D));

  let d_end = sizes.D * groups.z;
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

    let v = k_start + sizes.G * sizes.D;
    sums += p * mat4x4f(
      values_at(v, first), values_at(v, first + 4u), values_at(v, first + 8u), values_at(v, first + 12u),
    );
  }
  let column_end = min(COLUMNS, sizes.D - first) * groups.z;
  for (var c = 0u; c < column_end; c++) {
    y_BTC[((b * sizes.T + i) * sizes.H + head) * sizes.D + first + c] = sums[c / 4u][c % 4u] / sum;
  }
  if (first == 0u) {
    lse_BHT[row] = maximum + log(sum);
  }
}

struct Sizes {
  B: u32,
  T: u32,
  H: u32,
  G: u32,
  D: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  flash_attention_forward_scalar_f16: {
    sizes: { B: 'u32', T: 'u32', H: 'u32', G: 'u32', D: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> qkv_BTE: array<f16>;
@group(0) @binding(1) var<storage, read_write> y_BTC: array<f16>;
@group(0) @binding(2) var<storage, read_write> lse_BHT: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

const COLUMNS = 16u;

/** Four columns of a row of values; those beyond the head are its last one again, and are not stored. */
fn values_at(row: u32, column: u32) -> vec4f {
  let at = row + min(column + vec4u(0u, 1u, 2u, 3u), vec4u(sizes.D - 1u));
  return vec4f(f32(qkv_BTE[at.x]), f32(qkv_BTE[at.y]), f32(qkv_BTE[at.z]), f32(qkv_BTE[at.w]));
}

fn stored_half(value: f32) -> f16 {
  let infinite = bitcast<vec2<f16>>(select(0x7c00u, 0xfc00u, value < 0.0)).x;
  return select(f16(value), infinite, abs(value) >= 65520.0);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  let parts = (sizes.D + COLUMNS - 1u) / COLUMNS;
  let row = index / parts;
  if (row >= sizes.B * sizes.H * sizes.T) {
    return;
  }
  let first = index % parts * COLUMNS;
  let i = row % sizes.T;
  let head = row / sizes.T % sizes.H;
  let b = row / (sizes.T * sizes.H);
  let stride = (sizes.H + 2u * sizes.G) * sizes.D;
  let q = (b * sizes.T + i) * stride + head * sizes.D;
  let k = b * sizes.T * stride + (sizes.H + head / (sizes.H / sizes.G)) * sizes.D;
  let scale = inverseSqrt(f32(sizes.D));

  let d_end = sizes.D * groups.z;
  var sums = mat4x4f();
  var maximum = 0.0;
  var sum = 0.0;
  for (var j = 0u; j <= i; j++) {
    let k_start = k + j * stride;
    var score = 0.0;
    for (var d = 0u; d < d_end; d++) {
      score += f32(qkv_BTE[q + d]) * f32(qkv_BTE[k_start + d]);
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

    let v = k_start + sizes.G * sizes.D;
    sums += p * mat4x4f(
      values_at(v, first), values_at(v, first + 4u), values_at(v, first + 8u), values_at(v, first + 12u),
    );
  }
  let column_end = min(COLUMNS, sizes.D - first) * groups.z;
  for (var c = 0u; c < column_end; c++) {
    y_BTC[((b * sizes.T + i) * sizes.H + head) * sizes.D + first + c] = stored_half(sums[c / 4u][c % 4u] / sum);
  }
  if (first == 0u) {
    lse_BHT[row] = maximum + log(sum);
  }
}

struct Sizes {
  B: u32,
  T: u32,
  H: u32,
  G: u32,
  D: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  flash_attention_forward_subgroup: {
    sizes: { B: 'u32', T: 'u32', H: 'u32', G: 'u32', D: 'u32' },
    text: `enable subgroups;

@group(0) @binding(0) var<storage, read> qkv_BTE: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y_BTC: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> lse_BHT: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override FAR: bool;
const ROWS = 16u;
const KEYS = 32u;
const MASKED = -1e30;

/** Four rows: score and weight of this lane's keys, y so far in its columns, largest score, its part of all weights. */
struct Rows {
  s: mat4x4f,
  p: mat4x4f,
  near: mat4x4f,
  far: mat4x4f,
  largest: vec4f,
  sum: vec4f,
}

/** Four rows that lanes first .. first + 3 hold. */
fn rows_of(v: vec4f, first: u32) -> mat4x4f {
  let half = mat2x4f(subgroupShuffle(v, first), subgroupShuffle(v, first + 1u));
  return mat4x4f(half[0], half[1], subgroupShuffle(v, first + 2u), subgroupShuffle(v, first + 3u));
}

/** Four rows of keys or values from \`row\` on; beyond the edge, the last one. */
fn rows_at(base: u32, row: u32) -> mat4x4f {
  let at = base + min(vec4u(row, row + 1u, row + 2u, row + 3u), vec4u(sizes.T - 1u)) * ((sizes.H + 2u * sizes.G) * sizes.D / 4u);
  return mat4x4f(qkv_BTE[at.x], qkv_BTE[at.y], qkv_BTE[at.z], qkv_BTE[at.w]);
}

fn each(m: mat4x4f, factor: vec4f) -> mat4x4f {
  return mat4x4f(m[0] * factor.x, m[1] * factor.y, m[2] * factor.z, m[3] * factor.w);
}

/** Turns scores into weights relative to the largest score so far, and brings what was summed up to the same. */
fn weighed(r: Rows, keys: vec4u, row: u32) -> Rows {
  let no = vec4f(MASKED);
  var s = r.s * inverseSqrt(f32(sizes.D));
  s[0] = select(no, s[0], keys <= vec4u(row));
  s[1] = select(no, s[1], keys <= vec4u(row + 1u));
  s[2] = select(no, s[2], keys <= vec4u(row + 2u));
  s[3] = select(no, s[3], keys <= vec4u(row + 3u));
  let t = transpose(s);
  var m = max(max(t[0], t[1]), max(t[2], t[3]));
  m = max(m, subgroupShuffleXor(m, 1u));
  m = max(m, subgroupShuffleXor(m, 2u));
  m = max(max(m, subgroupShuffleXor(m, 4u)), r.largest);
  let p = mat4x4f(exp(s[0] - m.x), exp(s[1] - m.y), exp(s[2] - m.z), exp(s[3] - m.w));
  let factor = exp(r.largest - m);

  return Rows(mat4x4f(), p, each(r.near, factor), each(r.far, factor), m, r.sum * factor + vec4f(1.0) * p);
}

/** Adds the values of the four keys of a lane. */
fn mixed(r: Rows, lane: u32, near: mat4x4f, far: mat4x4f) -> Rows {
  let half = mat2x4f(subgroupShuffle(r.p[0], lane), subgroupShuffle(r.p[1], lane));
  let p = mat4x4f(half[0], half[1], subgroupShuffle(r.p[2], lane), subgroupShuffle(r.p[3], lane));
  return Rows(r.s, r.p, r.near + near * p, r.far + far * p, r.largest, r.sum);
}

/** The sum of each of four rows over all lanes. */
fn summed(r: Rows) -> vec4f {
  let half = r.sum + subgroupShuffleXor(r.sum, 1u);
  let most = half + subgroupShuffleXor(half, 2u);
  return most + subgroupShuffleXor(most, 4u);
}

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles = (sizes.T + ROWS - 1u) / ROWS;
  let parts = (sizes.D + 63u) / 64u;
  let index = first_group + group.y * groups.x + group.x;
  let b = index / (tiles * parts * sizes.H);
  let head = index / (tiles * parts) % sizes.H;

  let row = (tiles - 1u - index % tiles) * ROWS;
  let column = index / tiles % parts * 16u + lane;
  if (b >= sizes.B) { return; }
  let stride = (sizes.H + 2u * sizes.G) * sizes.D / 4u;
  let q = b * sizes.T * stride + head * sizes.D / 4u;
  let k = b * sizes.T * stride + (sizes.H + head / (sizes.H / sizes.G)) * sizes.D / 4u;
  let near = k + sizes.G * sizes.D / 4u + min(column, sizes.D / 4u - 1u);
  let far = k + sizes.G * sizes.D / 4u + min(column + 8u, sizes.D / 4u - 1u);
  let none = Rows(mat4x4f(), mat4x4f(), mat4x4f(), mat4x4f(), vec4f(MASKED), vec4f());
  var r = array<Rows, 4>(none, none, none, none);
  let end = min(sizes.T, row + ROWS);

  let d_end = sizes.D / 4u * groups.z;
  for (var start = 0u; start < end; start += KEYS) {
    for (var d = 0u; d < d_end; d++) {
      let low = qkv_BTE[q + min(row + lane, sizes.T - 1u) * stride + d];
      let high = qkv_BTE[q + min(row + 8u + lane, sizes.T - 1u) * stride + d];
      let keys = transpose(rows_at(k + d, start + lane * 4u));
      r[0].s += keys * rows_of(low, 0u);
      r[1].s += keys * rows_of(low, 4u);
      r[2].s += keys * rows_of(high, 0u);
      r[3].s += keys * rows_of(high, 4u);
    }
    for (var i = 0u; i < 4u; i++) {
      r[i] = weighed(r[i], start + lane * 4u + vec4u(0u, 1u, 2u, 3u), row + i * 4u);
    }
    let lane_end = (min(KEYS, end - start) + 3u) / 4u;
    for (var other = 0u; other < lane_end; other++) {
      let values = rows_at(near, start + other * 4u);
      let further = rows_at(far, start + other * 4u);
      for (var i = 0u; i < 4u; i++) { r[i] = mixed(r[i], other, values, further); }
    }
  }

  var near_rows = array<vec4f, 16>();
  var far_rows = array<vec4f, 16>();
  var lse_rows = array<f32, 16>();
  for (var i = 0u; i < 4u; i++) {
    let sum = summed(r[i]);
    for (var c = 0u; c < 4u; c++) {
      near_rows[i * 4u + c] = r[i].near[c] / sum[c];
      far_rows[i * 4u + c] = r[i].far[c] / sum[c];
      lse_rows[i * 4u + c] = r[i].largest[c] + log(sum[c]);
    }
  }
  for (var i = 0u; i < end - row; i++) {
    let out = ((b * sizes.T + row + i) * sizes.H + head) * (sizes.D / 4u) + column;
    if (column < sizes.D / 4u) { y_BTC[out] = near_rows[i]; }

    if (FAR && column + 8u < sizes.D / 4u) { y_BTC[out + 8u] = far_rows[i]; }
    lse_BHT[(b * sizes.H + head) * sizes.T + row + i] = lse_rows[i];
  }
}

struct Sizes {
  B: u32,
  T: u32,
  H: u32,
  G: u32,
  D: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  flash_attention_forward_subgroup_f16: {
    sizes: { B: 'u32', T: 'u32', H: 'u32', G: 'u32', D: 'u32' },
    text: `enable f16;
enable subgroups;

@group(0) @binding(0) var<storage, read> qkv_BTE: array<vec4<f16>>;
@group(0) @binding(1) var<storage, read_write> y_BTC: array<vec4<f16>>;
@group(0) @binding(2) var<storage, read_write> lse_BHT: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override FAR: bool;
const ROWS = 16u;
const KEYS = 32u;
const MASKED = -1e30;

/** Four rows: score and weight of this lane's keys, y so far in its columns, largest score, its part of all weights. */
struct Rows {
  s: mat4x4f,
  p: mat4x4f,
  near: mat4x4f,
  far: mat4x4f,
  largest: vec4f,
  sum: vec4f,
}

/** Four rows that lanes first .. first + 3 hold. */
fn rows_of(v: vec4f, first: u32) -> mat4x4f {
  let half = mat2x4f(subgroupShuffle(v, first), subgroupShuffle(v, first + 1u));
  return mat4x4f(half[0], half[1], subgroupShuffle(v, first + 2u), subgroupShuffle(v, first + 3u));
}

/** Four rows of keys or values from \`row\` on; beyond the edge, the last one. */
fn rows_at(base: u32, row: u32) -> mat4x4f {
  let at = base + min(vec4u(row, row + 1u, row + 2u, row + 3u), vec4u(sizes.T - 1u)) * ((sizes.H + 2u * sizes.G) * sizes.D / 4u);
  return mat4x4f(vec4f(qkv_BTE[at.x]), vec4f(qkv_BTE[at.y]), vec4f(qkv_BTE[at.z]), vec4f(qkv_BTE[at.w]));
}

fn each(m: mat4x4f, factor: vec4f) -> mat4x4f {
  return mat4x4f(m[0] * factor.x, m[1] * factor.y, m[2] * factor.z, m[3] * factor.w);
}

/** Turns scores into weights relative to the largest score so far, and brings what was summed up to the same. */
fn weighed(r: Rows, keys: vec4u, row: u32) -> Rows {
  let no = vec4f(MASKED);
  var s = r.s * inverseSqrt(f32(sizes.D));
  s[0] = select(no, s[0], keys <= vec4u(row));
  s[1] = select(no, s[1], keys <= vec4u(row + 1u));
  s[2] = select(no, s[2], keys <= vec4u(row + 2u));
  s[3] = select(no, s[3], keys <= vec4u(row + 3u));
  let t = transpose(s);
  var m = max(max(t[0], t[1]), max(t[2], t[3]));
  m = max(m, subgroupShuffleXor(m, 1u));
  m = max(m, subgroupShuffleXor(m, 2u));
  m = max(max(m, subgroupShuffleXor(m, 4u)), r.largest);
  let p = mat4x4f(exp(s[0] - m.x), exp(s[1] - m.y), exp(s[2] - m.z), exp(s[3] - m.w));
  let factor = exp(r.largest - m);

  return Rows(mat4x4f(), p, each(r.near, factor), each(r.far, factor), m, r.sum * factor + vec4f(1.0) * p);
}

/** Adds the values of the four keys of a lane. */
fn mixed(r: Rows, lane: u32, near: mat4x4f, far: mat4x4f) -> Rows {
  let half = mat2x4f(subgroupShuffle(r.p[0], lane), subgroupShuffle(r.p[1], lane));
  let p = mat4x4f(half[0], half[1], subgroupShuffle(r.p[2], lane), subgroupShuffle(r.p[3], lane));
  return Rows(r.s, r.p, r.near + near * p, r.far + far * p, r.largest, r.sum);
}

/** The sum of each of four rows over all lanes. */
fn summed(r: Rows) -> vec4f {
  let half = r.sum + subgroupShuffleXor(r.sum, 1u);
  let most = half + subgroupShuffleXor(half, 2u);
  return most + subgroupShuffleXor(most, 4u);
}

fn stored_half4(value: vec4f) -> vec4<f16> {
  let signs = select(vec4u(0x7c00u), vec4u(0xfc00u), value < vec4f());
  let infinite = vec4<f16>(
    bitcast<vec2<f16>>(signs.x).x, bitcast<vec2<f16>>(signs.y).x,
    bitcast<vec2<f16>>(signs.z).x, bitcast<vec2<f16>>(signs.w).x,
  );
  return select(vec4<f16>(value), infinite, abs(value) >= vec4f(65520.0));
}

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles = (sizes.T + ROWS - 1u) / ROWS;
  let parts = (sizes.D + 63u) / 64u;
  let index = first_group + group.y * groups.x + group.x;
  let b = index / (tiles * parts * sizes.H);
  let head = index / (tiles * parts) % sizes.H;

  let row = (tiles - 1u - index % tiles) * ROWS;
  let column = index / tiles % parts * 16u + lane;
  if (b >= sizes.B) { return; }
  let stride = (sizes.H + 2u * sizes.G) * sizes.D / 4u;
  let q = b * sizes.T * stride + head * sizes.D / 4u;
  let k = b * sizes.T * stride + (sizes.H + head / (sizes.H / sizes.G)) * sizes.D / 4u;
  let near = k + sizes.G * sizes.D / 4u + min(column, sizes.D / 4u - 1u);
  let far = k + sizes.G * sizes.D / 4u + min(column + 8u, sizes.D / 4u - 1u);
  let none = Rows(mat4x4f(), mat4x4f(), mat4x4f(), mat4x4f(), vec4f(MASKED), vec4f());
  var r = array<Rows, 4>(none, none, none, none);
  let end = min(sizes.T, row + ROWS);

  let d_end = sizes.D / 4u * groups.z;
  for (var start = 0u; start < end; start += KEYS) {
    for (var d = 0u; d < d_end; d++) {
      let low = vec4f(qkv_BTE[q + min(row + lane, sizes.T - 1u) * stride + d]);
      let high = vec4f(qkv_BTE[q + min(row + 8u + lane, sizes.T - 1u) * stride + d]);
      let keys = transpose(rows_at(k + d, start + lane * 4u));
      r[0].s += keys * rows_of(low, 0u);
      r[1].s += keys * rows_of(low, 4u);
      r[2].s += keys * rows_of(high, 0u);
      r[3].s += keys * rows_of(high, 4u);
    }
    for (var i = 0u; i < 4u; i++) {
      r[i] = weighed(r[i], start + lane * 4u + vec4u(0u, 1u, 2u, 3u), row + i * 4u);
    }
    let lane_end = (min(KEYS, end - start) + 3u) / 4u;
    for (var other = 0u; other < lane_end; other++) {
      let values = rows_at(near, start + other * 4u);
      let further = rows_at(far, start + other * 4u);
      for (var i = 0u; i < 4u; i++) { r[i] = mixed(r[i], other, values, further); }
    }
  }

  var near_rows = array<vec4f, 16>();
  var far_rows = array<vec4f, 16>();
  var lse_rows = array<f32, 16>();
  for (var i = 0u; i < 4u; i++) {
    let sum = summed(r[i]);
    for (var c = 0u; c < 4u; c++) {
      near_rows[i * 4u + c] = r[i].near[c] / sum[c];
      far_rows[i * 4u + c] = r[i].far[c] / sum[c];
      lse_rows[i * 4u + c] = r[i].largest[c] + log(sum[c]);
    }
  }
  for (var i = 0u; i < end - row; i++) {
    let out = ((b * sizes.T + row + i) * sizes.H + head) * (sizes.D / 4u) + column;
    if (column < sizes.D / 4u) { y_BTC[out] = stored_half4(near_rows[i]); }

    if (FAR && column + 8u < sizes.D / 4u) { y_BTC[out + 8u] = stored_half4(far_rows[i]); }
    lse_BHT[(b * sizes.H + head) * sizes.T + row + i] = lse_rows[i];
  }
}

struct Sizes {
  B: u32,
  T: u32,
  H: u32,
  G: u32,
  D: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  flash_attention_inner: {
    sizes: { B: 'u32', T: 'u32', H: 'u32', D: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> dy_BTC: array<f32>;
@group(0) @binding(1) var<storage, read> y_BTC: array<f32>;
@group(0) @binding(2) var<storage, read_write> inner_BHT: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {

  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.B * sizes.T * sizes.H) {
    return;
  }
  var sum = 0.0;

  let d_end = sizes.D * groups.z;
  for (var d = 0u; d < d_end; d++) {
    sum += dy_BTC[index * sizes.D + d] * y_BTC[index * sizes.D + d];
  }
  let row = index / sizes.H;
  inner_BHT[(row / sizes.T * sizes.H + index % sizes.H) * sizes.T + row % sizes.T] = sum;
}

struct Sizes {
  B: u32,
  T: u32,
  H: u32,
  D: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  flash_attention_inner_f16: {
    sizes: { B: 'u32', T: 'u32', H: 'u32', D: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> dy_BTC: array<f16>;
@group(0) @binding(1) var<storage, read> y_BTC: array<f16>;
@group(0) @binding(2) var<storage, read_write> inner_BHT: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {

  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.B * sizes.T * sizes.H) {
    return;
  }
  var sum = 0.0;

  let d_end = sizes.D * groups.z;
  for (var d = 0u; d < d_end; d++) {
    sum += f32(dy_BTC[index * sizes.D + d]) * f32(y_BTC[index * sizes.D + d]);
  }
  let row = index / sizes.H;
  inner_BHT[(row / sizes.T * sizes.H + index % sizes.H) * sizes.T + row % sizes.T] = sum;
}

struct Sizes {
  B: u32,
  T: u32,
  H: u32,
  D: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  gelu_backward: {
    sizes: { L: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> x_L: array<f32>;
@group(0) @binding(1) var<storage, read> dy_L: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx_L: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

const SQRT_2_OVER_PI = 0.7978845608028654;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.L) {
    return;
  }
  let x = x_L[index];
  let t = tanh(clamp(SQRT_2_OVER_PI * (x + 0.044715 * x * x * x), -10.0, 10.0));
  let slope = SQRT_2_OVER_PI * (1.0 + 3.0 * 0.044715 * x * x);

  let bend = select(0.5 * x * (1.0 - t * t) * slope, 0.0, abs(x) > 100.0);
  dx_L[index] = dy_L[index] * (0.5 * (1.0 + t) + bend);
}

struct Sizes {
  L: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  gelu_backward_f16: {
    sizes: { L: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> x_L: array<f16>;
@group(0) @binding(1) var<storage, read> dy_L: array<f16>;
@group(0) @binding(2) var<storage, read_write> dx_L: array<f16>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

const SQRT_2_OVER_PI = 0.7978845608028654;

fn stored_half(value: f32) -> f16 {
  let infinite = bitcast<vec2<f16>>(select(0x7c00u, 0xfc00u, value < 0.0)).x;
  return select(f16(value), infinite, abs(value) >= 65520.0);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.L) {
    return;
  }
  let x = f32(x_L[index]);
  let t = tanh(clamp(SQRT_2_OVER_PI * (x + 0.044715 * x * x * x), -10.0, 10.0));
  let slope = SQRT_2_OVER_PI * (1.0 + 3.0 * 0.044715 * x * x);

  let bend = select(0.5 * x * (1.0 - t * t) * slope, 0.0, abs(x) > 100.0);
  dx_L[index] = stored_half(f32(dy_L[index]) * (0.5 * (1.0 + t) + bend));
}

struct Sizes {
  L: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  gelu_forward: {
    sizes: { L: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> x_L: array<f32>;
@group(0) @binding(1) var<storage, read_write> y_L: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

const SQRT_2_OVER_PI = 0.7978845608028654;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.L) {
    return;
  }
  let x = x_L[index];
  let t = tanh(clamp(SQRT_2_OVER_PI * (x + 0.044715 * x * x * x), -10.0, 10.0));
  y_L[index] = 0.5 * x * (1.0 + t);
}

struct Sizes {
  L: u32,
}
@group(0) @binding(2) var<uniform> sizes: Sizes;
`,
  },
  gelu_forward_f16: {
    sizes: { L: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> x_L: array<f16>;
@group(0) @binding(1) var<storage, read_write> y_L: array<f16>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

const SQRT_2_OVER_PI = 0.7978845608028654;

fn stored_half(value: f32) -> f16 {
  let infinite = bitcast<vec2<f16>>(select(0x7c00u, 0xfc00u, value < 0.0)).x;
  return select(f16(value), infinite, abs(value) >= 65520.0);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.L) {
    return;
  }
  let x = f32(x_L[index]);
  let t = tanh(clamp(SQRT_2_OVER_PI * (x + 0.044715 * x * x * x), -10.0, 10.0));
  y_L[index] = stored_half(0.5 * x * (1.0 + t));
}

struct Sizes {
  L: u32,
}
@group(0) @binding(2) var<uniform> sizes: Sizes;
`,
  },
  layernorm_backward_input: {
    sizes: { N: 'u32', C: 'u32', RESIDUAL: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> dy_NC: array<f32>;
@group(0) @binding(1) var<storage, read> x_NC: array<f32>;
@group(0) @binding(2) var<storage, read> weight_C: array<f32>;
@group(0) @binding(3) var<storage, read> mean_N: array<f32>;
@group(0) @binding(4) var<storage, read> rstd_N: array<f32>;
@group(0) @binding(5) var<storage, read> residual_NC: array<f32>;
@group(0) @binding(6) var<storage, read_write> dx_NC: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (row >= sizes.N) {
    return;
  }
  let start = row * sizes.C;
  let mean = mean_N[row];
  let rstd = rstd_N[row];
  var sum_g = 0.0;
  var sum_gn = 0.0;

  let i_end = sizes.C * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let g = dy_NC[start + i] * weight_C[i];
    sum_g += g;
    sum_gn += g * ((x_NC[start + i] - mean) * rstd);
  }
  let mean_g = sum_g / f32(sizes.C);
  let mean_gn = sum_gn / f32(sizes.C);
  for (var i = 0u; i < i_end; i++) {
    let g = dy_NC[start + i] * weight_C[i];
    var dx = rstd * (g - mean_g - (x_NC[start + i] - mean) * rstd * mean_gn);
    if (sizes.RESIDUAL == 1u) {
      dx += residual_NC[start + i];
    }
    dx_NC[start + i] = dx;
  }
}

struct Sizes {
  N: u32,
  C: u32,
  RESIDUAL: u32,
}
@group(0) @binding(7) var<uniform> sizes: Sizes;
`,
  },
  layernorm_backward_input_f16: {
    sizes: { N: 'u32', C: 'u32', RESIDUAL: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> dy_NC: array<f16>;
@group(0) @binding(1) var<storage, read> x_NC: array<f16>;
@group(0) @binding(2) var<storage, read> weight_C: array<f32>;
@group(0) @binding(3) var<storage, read> mean_N: array<f32>;
@group(0) @binding(4) var<storage, read> rstd_N: array<f32>;
@group(0) @binding(5) var<storage, read> residual_NC: array<f16>;
@group(0) @binding(6) var<storage, read_write> dx_NC: array<f16>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

fn stored_half(value: f32) -> f16 {
  let infinite = bitcast<vec2<f16>>(select(0x7c00u, 0xfc00u, value < 0.0)).x;
  return select(f16(value), infinite, abs(value) >= 65520.0);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (row >= sizes.N) {
    return;
  }
  let start = row * sizes.C;
  let mean = mean_N[row];
  let rstd = rstd_N[row];
  var sum_g = 0.0;
  var sum_gn = 0.0;

  let i_end = sizes.C * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let g = f32(dy_NC[start + i]) * weight_C[i];
    sum_g += g;
    sum_gn += g * ((f32(x_NC[start + i]) - mean) * rstd);
  }
  let mean_g = sum_g / f32(sizes.C);
  let mean_gn = sum_gn / f32(sizes.C);
  for (var i = 0u; i < i_end; i++) {
    let g = f32(dy_NC[start + i]) * weight_C[i];
    var dx = rstd * (g - mean_g - (f32(x_NC[start + i]) - mean) * rstd * mean_gn);
    if (sizes.RESIDUAL == 1u) {
      dx += f32(residual_NC[start + i]);
    }
    dx_NC[start + i] = stored_half(dx);
  }
}

struct Sizes {
  N: u32,
  C: u32,
  RESIDUAL: u32,
}
@group(0) @binding(7) var<uniform> sizes: Sizes;
`,
  },
  layernorm_backward_weight: {
    sizes: { N: 'u32', C: 'u32', ACCUMULATE: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> dy_NC: array<f32>;
@group(0) @binding(1) var<storage, read> x_NC: array<f32>;
@group(0) @binding(2) var<storage, read> mean_N: array<f32>;
@group(0) @binding(3) var<storage, read> rstd_N: array<f32>;
@group(0) @binding(4) var<storage, read_write> dweight_C: array<f32>;
@group(0) @binding(5) var<storage, read_write> dbias_C: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let column = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (column >= sizes.C) {
    return;
  }
  var sum_weight = 0.0;
  var sum_bias = 0.0;

  let row_end = sizes.N * groups.z;
  for (var row = 0u; row < row_end; row++) {
    let dy = dy_NC[row * sizes.C + column];
    sum_weight += dy * ((x_NC[row * sizes.C + column] - mean_N[row]) * rstd_N[row]);
    sum_bias += dy;
  }
  if (sizes.ACCUMULATE == 1u) {
    sum_weight += dweight_C[column];
    sum_bias += dbias_C[column];
  }
  dweight_C[column] = sum_weight;
  dbias_C[column] = sum_bias;
}

struct Sizes {
  N: u32,
  C: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(6) var<uniform> sizes: Sizes;
`,
  },
  layernorm_backward_weight_f16: {
    sizes: { N: 'u32', C: 'u32', ACCUMULATE: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> dy_NC: array<f16>;
@group(0) @binding(1) var<storage, read> x_NC: array<f16>;
@group(0) @binding(2) var<storage, read> mean_N: array<f32>;
@group(0) @binding(3) var<storage, read> rstd_N: array<f32>;
@group(0) @binding(4) var<storage, read_write> dweight_C: array<f32>;
@group(0) @binding(5) var<storage, read_write> dbias_C: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let column = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (column >= sizes.C) {
    return;
  }
  var sum_weight = 0.0;
  var sum_bias = 0.0;

  let row_end = sizes.N * groups.z;
  for (var row = 0u; row < row_end; row++) {
    let dy = f32(dy_NC[row * sizes.C + column]);
    sum_weight += dy * ((f32(x_NC[row * sizes.C + column]) - mean_N[row]) * rstd_N[row]);
    sum_bias += dy;
  }
  if (sizes.ACCUMULATE == 1u) {
    sum_weight += dweight_C[column];
    sum_bias += dbias_C[column];
  }
  dweight_C[column] = sum_weight;
  dbias_C[column] = sum_bias;
}

struct Sizes {
  N: u32,
  C: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(6) var<uniform> sizes: Sizes;
`,
  },
  layernorm_forward: {
    sizes: { N: 'u32', C: 'u32', EPSILON: 'f32' },
    text: `@group(0) @binding(0) var<storage, read> x_NC: array<f32>;
@group(0) @binding(1) var<storage, read> weight_C: array<f32>;
@group(0) @binding(2) var<storage, read> bias_C: array<f32>;
@group(0) @binding(3) var<storage, read_write> y_NC: array<f32>;
@group(0) @binding(4) var<storage, read_write> mean_N: array<f32>;
@group(0) @binding(5) var<storage, read_write> rstd_N: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (row >= sizes.N) {
    return;
  }
  let start = row * sizes.C;
  var sum = 0.0;

  let i_end = sizes.C * groups.z;
  for (var i = 0u; i < i_end; i++) {
    sum += x_NC[start + i];
  }
  let mean = sum / f32(sizes.C);
  var squares = 0.0;
  for (var i = 0u; i < i_end; i++) {
    let difference = x_NC[start + i] - mean;
    squares += difference * difference;
  }
  let rstd = 1.0 / sqrt(squares / f32(sizes.C) + sizes.EPSILON);
  for (var i = 0u; i < i_end; i++) {
    y_NC[start + i] = (x_NC[start + i] - mean) * rstd * weight_C[i] + bias_C[i];
  }
  mean_N[row] = mean;
  rstd_N[row] = rstd;
}

struct Sizes {
  N: u32,
  C: u32,
  EPSILON: f32,
}
@group(0) @binding(6) var<uniform> sizes: Sizes;
`,
  },
  layernorm_forward_f16: {
    sizes: { N: 'u32', C: 'u32', EPSILON: 'f32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> x_NC: array<f16>;
@group(0) @binding(1) var<storage, read> weight_C: array<f32>;
@group(0) @binding(2) var<storage, read> bias_C: array<f32>;
@group(0) @binding(3) var<storage, read_write> y_NC: array<f16>;
@group(0) @binding(4) var<storage, read_write> mean_N: array<f32>;
@group(0) @binding(5) var<storage, read_write> rstd_N: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

fn stored_half(value: f32) -> f16 {
  let infinite = bitcast<vec2<f16>>(select(0x7c00u, 0xfc00u, value < 0.0)).x;
  return select(f16(value), infinite, abs(value) >= 65520.0);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (row >= sizes.N) {
    return;
  }
  let start = row * sizes.C;
  var sum = 0.0;

  let i_end = sizes.C * groups.z;
  for (var i = 0u; i < i_end; i++) {
    sum += f32(x_NC[start + i]);
  }
  let mean = sum / f32(sizes.C);
  var squares = 0.0;
  for (var i = 0u; i < i_end; i++) {
    let difference = f32(x_NC[start + i]) - mean;
    squares += difference * difference;
  }
  let rstd = 1.0 / sqrt(squares / f32(sizes.C) + sizes.EPSILON);
  for (var i = 0u; i < i_end; i++) {
    y_NC[start + i] = stored_half((f32(x_NC[start + i]) - mean) * rstd * weight_C[i] + bias_C[i]);
  }
  mean_N[row] = mean;
  rstd_N[row] = rstd;
}

struct Sizes {
  N: u32,
  C: u32,
  EPSILON: f32,
}
@group(0) @binding(6) var<uniform> sizes: Sizes;
`,
  },
  matmul_nn_gelu_scalar: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', BIAS: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> a_MK: array<f32>;
@group(0) @binding(1) var<storage, read> b_KN: array<f32>;
@group(0) @binding(2) var<storage, read> bias_N: array<f32>;
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>;
@group(0) @binding(4) var<storage, read_write> y_MN: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

const SQRT_2_OVER_PI = 0.7978845608028654;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.M * sizes.N) {
    return;
  }
  let row = index / sizes.N;
  let column = index % sizes.N;
  var sum = 0.0;

  let k_end = sizes.K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    sum += a_MK[row * sizes.K + k] * b_KN[k * sizes.N + column];
  }
  if (sizes.BIAS == 1u) {
    sum += bias_N[column];
  }
  let t = tanh(clamp(SQRT_2_OVER_PI * (sum + 0.044715 * sum * sum * sum), -10.0, 10.0));
  y_MN[index] = 0.5 * sum * (1.0 + t);
  c_MN[index] = sum;
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  BIAS: u32,
}
@group(0) @binding(5) var<uniform> sizes: Sizes;
`,
  },
  matmul_nn_parts_scalar: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', P: 'u32', PART_K: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> a_MK: array<f32>;
@group(0) @binding(1) var<storage, read> b_KN: array<f32>;
@group(0) @binding(2) var<storage, read_write> parts_PMN: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.P * sizes.M * sizes.N) {
    return;
  }
  let part = index / (sizes.M * sizes.N);
  let row = index / sizes.N % sizes.M;
  let column = index % sizes.N;
  var sum = 0.0;
  let k_end = min(sizes.K, (part + 1u) * sizes.PART_K);
  for (var k = part * sizes.PART_K; k < k_end; k++) {
    sum += a_MK[row * sizes.K + k] * b_KN[k * sizes.N + column];
  }
  parts_PMN[index] = sum;
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  P: u32,
  PART_K: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  matmul_nn_parts_scalar_f16: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', P: 'u32', PART_K: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> a_MK: array<f16>;
@group(0) @binding(1) var<storage, read> b_KN: array<f16>;
@group(0) @binding(2) var<storage, read_write> parts_PMN: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.P * sizes.M * sizes.N) {
    return;
  }
  let part = index / (sizes.M * sizes.N);
  let row = index / sizes.N % sizes.M;
  let column = index % sizes.N;
  var sum = 0.0;
  let k_end = min(sizes.K, (part + 1u) * sizes.PART_K);
  for (var k = part * sizes.PART_K; k < k_end; k++) {
    sum += f32(a_MK[row * sizes.K + k]) * f32(b_KN[k * sizes.N + column]);
  }
  parts_PMN[index] = sum;
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  P: u32,
  PART_K: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  matmul_nn_scalar: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', A_STRIDE: 'u32', BIAS: 'u32', RESIDUAL: 'u32', ACCUMULATE: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> a_MK: array<f32>;
@group(0) @binding(1) var<storage, read> b_KN: array<f32>;
@group(0) @binding(2) var<storage, read> bias_N: array<f32>;
@group(0) @binding(3) var<storage, read> residual_MN: array<f32>;
@group(0) @binding(4) var<storage, read_write> c_MN: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

override CONTINUED: bool;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.M * sizes.N) {
    return;
  }
  let row = index / sizes.N;
  let column = index % sizes.N;
  var sum = 0.0;
  if (CONTINUED) {
    sum = c_MN[index];
  }

  let k_end = sizes.K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    sum += a_MK[row * sizes.A_STRIDE + k] * b_KN[k * sizes.N + column];
  }
  if (sizes.BIAS == 1u) {
    sum += bias_N[column];
  }
  if (sizes.RESIDUAL == 1u) {
    sum += residual_MN[index];
  }
  if (sizes.ACCUMULATE == 1u) {
    sum += c_MN[index];
  }
  c_MN[index] = sum;
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  A_STRIDE: u32,
  BIAS: u32,
  RESIDUAL: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(5) var<uniform> sizes: Sizes;
`,
  },
  matmul_nn_scalar_f16: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', A_STRIDE: 'u32', BIAS: 'u32', RESIDUAL: 'u32', ACCUMULATE: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> a_MK: array<f16>;
@group(0) @binding(1) var<storage, read> b_KN: array<f16>;
@group(0) @binding(2) var<storage, read> bias_N: array<f32>;
@group(0) @binding(3) var<storage, read> residual_MN: array<f16>;
@group(0) @binding(4) var<storage, read_write> c_MN: array<f16>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

override CONTINUED: bool;

fn stored_half(value: f32) -> f16 {
  let infinite = bitcast<vec2<f16>>(select(0x7c00u, 0xfc00u, value < 0.0)).x;
  return select(f16(value), infinite, abs(value) >= 65520.0);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.M * sizes.N) {
    return;
  }
  let row = index / sizes.N;
  let column = index % sizes.N;
  var sum = 0.0;
  if (CONTINUED) {
    sum = f32(c_MN[index]);
  }

  let k_end = sizes.K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    sum += f32(a_MK[row * sizes.A_STRIDE + k]) * f32(b_KN[k * sizes.N + column]);
  }
  if (sizes.BIAS == 1u) {
    sum += bias_N[column];
  }
  if (sizes.RESIDUAL == 1u) {
    sum += f32(residual_MN[index]);
  }
  if (sizes.ACCUMULATE == 1u) {
    sum += f32(c_MN[index]);
  }
  c_MN[index] = stored_half(sum);
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  A_STRIDE: u32,
  BIAS: u32,
  RESIDUAL: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(5) var<uniform> sizes: Sizes;
`,
  },
  matmul_nn_scalar_f16_logits: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', A_STRIDE: 'u32', BIAS: 'u32', RESIDUAL: 'u32', ACCUMULATE: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> a_MK: array<f32>;
@group(0) @binding(1) var<storage, read> b_KN: array<f16>;
@group(0) @binding(2) var<storage, read> bias_N: array<f32>;
@group(0) @binding(3) var<storage, read> residual_MN: array<f32>;
@group(0) @binding(4) var<storage, read_write> c_MN: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

override CONTINUED: bool;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.M * sizes.N) {
    return;
  }
  let row = index / sizes.N;
  let column = index % sizes.N;
  var sum = 0.0;
  if (CONTINUED) {
    sum = c_MN[index];
  }

  let k_end = sizes.K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    sum += a_MK[row * sizes.A_STRIDE + k] * f32(b_KN[k * sizes.N + column]);
  }
  if (sizes.BIAS == 1u) {
    sum += bias_N[column];
  }
  if (sizes.RESIDUAL == 1u) {
    sum += residual_MN[index];
  }
  if (sizes.ACCUMULATE == 1u) {
    sum += c_MN[index];
  }
  c_MN[index] = sum;
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  A_STRIDE: u32,
  BIAS: u32,
  RESIDUAL: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(5) var<uniform> sizes: Sizes;
`,
  },
  matmul_nn_subgroup: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', A_STRIDE: 'u32', BIAS: 'u32', RESIDUAL: 'u32', ACCUMULATE: 'u32' },
    text: `enable subgroups;

@group(0) @binding(0) var<storage, read> a_MK: array<vec4f>;
@group(0) @binding(1) var<storage, read> b_KN: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias_N: array<vec4f>;
@group(0) @binding(3) var<storage, read> residual_MN: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> c_MN: array<vec4f>;
@group(1) @binding(0) var<uniform> first_group: u32;

override CONTINUED: bool;
const ROWS = 16u;
const COLUMNS = 8u;

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = first_group + group.y * groups.x + group.x;
  let tiles_across = (sizes.N + 31u) / 32u;
  let row = (tile / tiles_across) * ROWS;
  let column = (tile % tiles_across) * COLUMNS + lane;
  if (row >= sizes.M) {
    return;
  }

  let safe_column = min(column, sizes.N / 4u - 1u);
  let a_low = min(row + lane, sizes.M - 1u) * (sizes.A_STRIDE / 4u);
  let a_high = min(row + 8u + lane, sizes.M - 1u) * (sizes.A_STRIDE / 4u);
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
  if (CONTINUED) {
    c0 = c_MN[min(row + 0u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c1 = c_MN[min(row + 1u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c2 = c_MN[min(row + 2u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c3 = c_MN[min(row + 3u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c4 = c_MN[min(row + 4u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c5 = c_MN[min(row + 5u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c6 = c_MN[min(row + 6u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c7 = c_MN[min(row + 7u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c8 = c_MN[min(row + 8u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c9 = c_MN[min(row + 9u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c10 = c_MN[min(row + 10u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c11 = c_MN[min(row + 11u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c12 = c_MN[min(row + 12u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c13 = c_MN[min(row + 13u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c14 = c_MN[min(row + 14u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c15 = c_MN[min(row + 15u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
  }

  let k_end = sizes.K / 4u * groups.z;
  for (var k = 0u; k < k_end; k++) {
    let low = a_MK[a_low + k];
    let high = a_MK[a_high + k];
    let start = k * sizes.N + safe_column;
    let b = mat4x4f(b_KN[start], b_KN[start + sizes.N / 4u], b_KN[start + sizes.N / 4u * 2u], b_KN[start + sizes.N / 4u * 3u]);
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
  if (column * 4u >= sizes.N) {
    return;
  }
  var bias = vec4f();
  if (sizes.BIAS == 1u) {
    bias = bias_N[column];
  }
  let i_end = min(ROWS, sizes.M - row) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let index = (row + i) * (sizes.N / 4u) + column;
    var sum = c[i] + bias;
    if (sizes.RESIDUAL == 1u) {
      sum += residual_MN[index];
    }
    if (sizes.ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  A_STRIDE: u32,
  BIAS: u32,
  RESIDUAL: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(5) var<uniform> sizes: Sizes;
`,
  },
  matmul_nn_subgroup_f16: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', A_STRIDE: 'u32', BIAS: 'u32', RESIDUAL: 'u32', ACCUMULATE: 'u32' },
    text: `enable f16;
enable subgroups;

@group(0) @binding(0) var<storage, read> a_MK: array<vec4<f16>>;
@group(0) @binding(1) var<storage, read> b_KN: array<vec4<f16>>;
@group(0) @binding(2) var<storage, read> bias_N: array<vec4f>;
@group(0) @binding(3) var<storage, read> residual_MN: array<vec4<f16>>;
@group(0) @binding(4) var<storage, read_write> c_MN: array<vec4<f16>>;
@group(1) @binding(0) var<uniform> first_group: u32;

override CONTINUED: bool;
const ROWS = 16u;
const COLUMNS = 8u;

fn stored_half4(value: vec4f) -> vec4<f16> {
  let signs = select(vec4u(0x7c00u), vec4u(0xfc00u), value < vec4f());
  let infinite = vec4<f16>(
    bitcast<vec2<f16>>(signs.x).x, bitcast<vec2<f16>>(signs.y).x,
    bitcast<vec2<f16>>(signs.z).x, bitcast<vec2<f16>>(signs.w).x,
  );
  return select(vec4<f16>(value), infinite, abs(value) >= vec4f(65520.0));
}

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = first_group + group.y * groups.x + group.x;
  let tiles_across = (sizes.N + 31u) / 32u;
  let row = (tile / tiles_across) * ROWS;
  let column = (tile % tiles_across) * COLUMNS + lane;
  if (row >= sizes.M) {
    return;
  }

  let safe_column = min(column, sizes.N / 4u - 1u);
  let a_low = min(row + lane, sizes.M - 1u) * (sizes.A_STRIDE / 4u);
  let a_high = min(row + 8u + lane, sizes.M - 1u) * (sizes.A_STRIDE / 4u);
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
  if (CONTINUED) {
    c0 = vec4f(c_MN[min(row + 0u, sizes.M - 1u) * (sizes.N / 4u) + safe_column]);
    c1 = vec4f(c_MN[min(row + 1u, sizes.M - 1u) * (sizes.N / 4u) + safe_column]);
    c2 = vec4f(c_MN[min(row + 2u, sizes.M - 1u) * (sizes.N / 4u) + safe_column]);
    c3 = vec4f(c_MN[min(row + 3u, sizes.M - 1u) * (sizes.N / 4u) + safe_column]);
    c4 = vec4f(c_MN[min(row + 4u, sizes.M - 1u) * (sizes.N / 4u) + safe_column]);
    c5 = vec4f(c_MN[min(row + 5u, sizes.M - 1u) * (sizes.N / 4u) + safe_column]);
    c6 = vec4f(c_MN[min(row + 6u, sizes.M - 1u) * (sizes.N / 4u) + safe_column]);
    c7 = vec4f(c_MN[min(row + 7u, sizes.M - 1u) * (sizes.N / 4u) + safe_column]);
    c8 = vec4f(c_MN[min(row + 8u, sizes.M - 1u) * (sizes.N / 4u) + safe_column]);
    c9 = vec4f(c_MN[min(row + 9u, sizes.M - 1u) * (sizes.N / 4u) + safe_column]);
    c10 = vec4f(c_MN[min(row + 10u, sizes.M - 1u) * (sizes.N / 4u) + safe_column]);
    c11 = vec4f(c_MN[min(row + 11u, sizes.M - 1u) * (sizes.N / 4u) + safe_column]);
    c12 = vec4f(c_MN[min(row + 12u, sizes.M - 1u) * (sizes.N / 4u) + safe_column]);
    c13 = vec4f(c_MN[min(row + 13u, sizes.M - 1u) * (sizes.N / 4u) + safe_column]);
    c14 = vec4f(c_MN[min(row + 14u, sizes.M - 1u) * (sizes.N / 4u) + safe_column]);
    c15 = vec4f(c_MN[min(row + 15u, sizes.M - 1u) * (sizes.N / 4u) + safe_column]);
  }

  let k_end = sizes.K / 4u * groups.z;
  for (var k = 0u; k < k_end; k++) {
    let low = vec4f(a_MK[a_low + k]);
    let high = vec4f(a_MK[a_high + k]);
    let start = k * sizes.N + safe_column;
    let b = mat4x4f(vec4f(b_KN[start]), vec4f(b_KN[start + sizes.N / 4u]), vec4f(b_KN[start + sizes.N / 4u * 2u]), vec4f(b_KN[start + sizes.N / 4u * 3u]));
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
  if (column * 4u >= sizes.N) {
    return;
  }
  var bias = vec4f();
  if (sizes.BIAS == 1u) {
    bias = bias_N[column];
  }
  let i_end = min(ROWS, sizes.M - row) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let index = (row + i) * (sizes.N / 4u) + column;
    var sum = c[i] + bias;
    if (sizes.RESIDUAL == 1u) {
      sum += vec4f(residual_MN[index]);
    }
    if (sizes.ACCUMULATE == 1u) {
      sum += vec4f(c_MN[index]);
    }
    c_MN[index] = stored_half4(sum);
  }
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  A_STRIDE: u32,
  BIAS: u32,
  RESIDUAL: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(5) var<uniform> sizes: Sizes;
`,
  },
  matmul_nn_subgroup_f16_logits: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', A_STRIDE: 'u32', BIAS: 'u32', RESIDUAL: 'u32', ACCUMULATE: 'u32' },
    text: `enable f16;
enable subgroups;

@group(0) @binding(0) var<storage, read> a_MK: array<vec4f>;
@group(0) @binding(1) var<storage, read> b_KN: array<vec4<f16>>;
@group(0) @binding(2) var<storage, read> bias_N: array<vec4f>;
@group(0) @binding(3) var<storage, read> residual_MN: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> c_MN: array<vec4f>;
@group(1) @binding(0) var<uniform> first_group: u32;

override CONTINUED: bool;
const ROWS = 16u;
const COLUMNS = 8u;

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = first_group + group.y * groups.x + group.x;
  let tiles_across = (sizes.N + 31u) / 32u;
  let row = (tile / tiles_across) * ROWS;
  let column = (tile % tiles_across) * COLUMNS + lane;
  if (row >= sizes.M) {
    return;
  }

  let safe_column = min(column, sizes.N / 4u - 1u);
  let a_low = min(row + lane, sizes.M - 1u) * (sizes.A_STRIDE / 4u);
  let a_high = min(row + 8u + lane, sizes.M - 1u) * (sizes.A_STRIDE / 4u);
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
  if (CONTINUED) {
    c0 = c_MN[min(row + 0u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c1 = c_MN[min(row + 1u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c2 = c_MN[min(row + 2u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c3 = c_MN[min(row + 3u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c4 = c_MN[min(row + 4u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c5 = c_MN[min(row + 5u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c6 = c_MN[min(row + 6u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c7 = c_MN[min(row + 7u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c8 = c_MN[min(row + 8u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c9 = c_MN[min(row + 9u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c10 = c_MN[min(row + 10u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c11 = c_MN[min(row + 11u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c12 = c_MN[min(row + 12u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c13 = c_MN[min(row + 13u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c14 = c_MN[min(row + 14u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
    c15 = c_MN[min(row + 15u, sizes.M - 1u) * (sizes.N / 4u) + safe_column];
  }

  let k_end = sizes.K / 4u * groups.z;
  for (var k = 0u; k < k_end; k++) {
    let low = a_MK[a_low + k];
    let high = a_MK[a_high + k];
    let start = k * sizes.N + safe_column;
    let b = mat4x4f(vec4f(b_KN[start]), vec4f(b_KN[start + sizes.N / 4u]), vec4f(b_KN[start + sizes.N / 4u * 2u]), vec4f(b_KN[start + sizes.N / 4u * 3u]));
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
  if (column * 4u >= sizes.N) {
    return;
  }
  var bias = vec4f();
  if (sizes.BIAS == 1u) {
    bias = bias_N[column];
  }
  let i_end = min(ROWS, sizes.M - row) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let index = (row + i) * (sizes.N / 4u) + column;
    var sum = c[i] + bias;
    if (sizes.RESIDUAL == 1u) {
      sum += residual_MN[index];
    }
    if (sizes.ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  A_STRIDE: u32,
  BIAS: u32,
  RESIDUAL: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(5) var<uniform> sizes: Sizes;
`,
  },
  matmul_nn_tile: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', A_STRIDE: 'u32', BIAS: 'u32', RESIDUAL: 'u32', ACCUMULATE: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> a_MK: array<f32>;
@group(0) @binding(1) var<storage, read> b_KN: array<f32>;
@group(0) @binding(2) var<storage, read> bias_N: array<f32>;
@group(0) @binding(3) var<storage, read> residual_MN: array<f32>;
@group(0) @binding(4) var<storage, read_write> c_MN: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

override CONTINUED: bool;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = (first_group + group.y * groups.x + group.x) * WG + lane;
  let tiles_across = (sizes.N + 3u) / 4u;
  let row = tile / tiles_across * 4u;
  let column = tile % tiles_across * 4u;
  if (row >= sizes.M) {
    return;
  }
  let rows = min(row + vec4u(0u, 1u, 2u, 3u), vec4u(sizes.M - 1u));
  let columns = min(column + vec4u(0u, 1u, 2u, 3u), vec4u(sizes.N - 1u));
  let a_rows = rows * sizes.A_STRIDE;
  var c0 = vec4f();
  var c1 = vec4f();
  var c2 = vec4f();
  var c3 = vec4f();
  if (CONTINUED) {
    let at0 = rows.x * sizes.N + columns;
    let at1 = rows.y * sizes.N + columns;
    let at2 = rows.z * sizes.N + columns;
    let at3 = rows.w * sizes.N + columns;
    c0 = vec4f(c_MN[at0.x], c_MN[at0.y], c_MN[at0.z], c_MN[at0.w]);
    c1 = vec4f(c_MN[at1.x], c_MN[at1.y], c_MN[at1.z], c_MN[at1.w]);
    c2 = vec4f(c_MN[at2.x], c_MN[at2.y], c_MN[at2.z], c_MN[at2.w]);
    c3 = vec4f(c_MN[at3.x], c_MN[at3.y], c_MN[at3.z], c_MN[at3.w]);
  }

  let k_end = sizes.K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    let a = vec4f(a_MK[a_rows.x + k], a_MK[a_rows.y + k], a_MK[a_rows.z + k], a_MK[a_rows.w + k]);
    let b = vec4f(b_KN[k * sizes.N + columns.x], b_KN[k * sizes.N + columns.y], b_KN[k * sizes.N + columns.z], b_KN[k * sizes.N + columns.w]);
    c0 += a.x * b;
    c1 += a.y * b;
    c2 += a.z * b;
    c3 += a.w * b;
  }
  let c = array<vec4f, 4>(c0, c1, c2, c3);
  let i_end = min(16u, (sizes.M - row) * 4u) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let c_column = column + i % 4u;
    if (c_column < sizes.N) {
      let index = (row + i / 4u) * sizes.N + c_column;
      var sum = c[i / 4u][i % 4u];
      if (sizes.BIAS == 1u) {
        sum += bias_N[c_column];
      }
      if (sizes.RESIDUAL == 1u) {
        sum += residual_MN[index];
      }
      if (sizes.ACCUMULATE == 1u) {
        sum += c_MN[index];
      }
      c_MN[index] = sum;
    }
  }
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  A_STRIDE: u32,
  BIAS: u32,
  RESIDUAL: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(5) var<uniform> sizes: Sizes;
`,
  },
  matmul_nn_tile_f16: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', A_STRIDE: 'u32', BIAS: 'u32', RESIDUAL: 'u32', ACCUMULATE: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> a_MK: array<f16>;
@group(0) @binding(1) var<storage, read> b_KN: array<f16>;
@group(0) @binding(2) var<storage, read> bias_N: array<f32>;
@group(0) @binding(3) var<storage, read> residual_MN: array<f16>;
@group(0) @binding(4) var<storage, read_write> c_MN: array<f16>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

override CONTINUED: bool;

fn stored_half(value: f32) -> f16 {
  let infinite = bitcast<vec2<f16>>(select(0x7c00u, 0xfc00u, value < 0.0)).x;
  return select(f16(value), infinite, abs(value) >= 65520.0);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = (first_group + group.y * groups.x + group.x) * WG + lane;
  let tiles_across = (sizes.N + 3u) / 4u;
  let row = tile / tiles_across * 4u;
  let column = tile % tiles_across * 4u;
  if (row >= sizes.M) {
    return;
  }
  let rows = min(row + vec4u(0u, 1u, 2u, 3u), vec4u(sizes.M - 1u));
  let columns = min(column + vec4u(0u, 1u, 2u, 3u), vec4u(sizes.N - 1u));
  let a_rows = rows * sizes.A_STRIDE;
  var c0 = vec4f();
  var c1 = vec4f();
  var c2 = vec4f();
  var c3 = vec4f();
  if (CONTINUED) {
    let at0 = rows.x * sizes.N + columns;
    let at1 = rows.y * sizes.N + columns;
    let at2 = rows.z * sizes.N + columns;
    let at3 = rows.w * sizes.N + columns;
    c0 = vec4f(f32(c_MN[at0.x]), f32(c_MN[at0.y]), f32(c_MN[at0.z]), f32(c_MN[at0.w]));
    c1 = vec4f(f32(c_MN[at1.x]), f32(c_MN[at1.y]), f32(c_MN[at1.z]), f32(c_MN[at1.w]));
    c2 = vec4f(f32(c_MN[at2.x]), f32(c_MN[at2.y]), f32(c_MN[at2.z]), f32(c_MN[at2.w]));
    c3 = vec4f(f32(c_MN[at3.x]), f32(c_MN[at3.y]), f32(c_MN[at3.z]), f32(c_MN[at3.w]));
  }

  let k_end = sizes.K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    let a = vec4f(f32(a_MK[a_rows.x + k]), f32(a_MK[a_rows.y + k]), f32(a_MK[a_rows.z + k]), f32(a_MK[a_rows.w + k]));
    let b = vec4f(f32(b_KN[k * sizes.N + columns.x]), f32(b_KN[k * sizes.N + columns.y]), f32(b_KN[k * sizes.N + columns.z]), f32(b_KN[k * sizes.N + columns.w]));
    c0 += a.x * b;
    c1 += a.y * b;
    c2 += a.z * b;
    c3 += a.w * b;
  }
  let c = array<vec4f, 4>(c0, c1, c2, c3);
  let i_end = min(16u, (sizes.M - row) * 4u) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let c_column = column + i % 4u;
    if (c_column < sizes.N) {
      let index = (row + i / 4u) * sizes.N + c_column;
      var sum = c[i / 4u][i % 4u];
      if (sizes.BIAS == 1u) {
        sum += bias_N[c_column];
      }
      if (sizes.RESIDUAL == 1u) {
        sum += f32(residual_MN[index]);
      }
      if (sizes.ACCUMULATE == 1u) {
        sum += f32(c_MN[index]);
      }
      c_MN[index] = stored_half(sum);
    }
  }
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  A_STRIDE: u32,
  BIAS: u32,
  RESIDUAL: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(5) var<uniform> sizes: Sizes;
`,
  },
  matmul_nn_tile_f16_logits: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', A_STRIDE: 'u32', BIAS: 'u32', RESIDUAL: 'u32', ACCUMULATE: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> a_MK: array<f32>;
@group(0) @binding(1) var<storage, read> b_KN: array<f16>;
@group(0) @binding(2) var<storage, read> bias_N: array<f32>;
@group(0) @binding(3) var<storage, read> residual_MN: array<f32>;
@group(0) @binding(4) var<storage, read_write> c_MN: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

override CONTINUED: bool;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = (first_group + group.y * groups.x + group.x) * WG + lane;
  let tiles_across = (sizes.N + 3u) / 4u;
  let row = tile / tiles_across * 4u;
  let column = tile % tiles_across * 4u;
  if (row >= sizes.M) {
    return;
  }
  let rows = min(row + vec4u(0u, 1u, 2u, 3u), vec4u(sizes.M - 1u));
  let columns = min(column + vec4u(0u, 1u, 2u, 3u), vec4u(sizes.N - 1u));
  let a_rows = rows * sizes.A_STRIDE;
  var c0 = vec4f();
  var c1 = vec4f();
  var c2 = vec4f();
  var c3 = vec4f();
  if (CONTINUED) {
    let at0 = rows.x * sizes.N + columns;
    let at1 = rows.y * sizes.N + columns;
    let at2 = rows.z * sizes.N + columns;
    let at3 = rows.w * sizes.N + columns;
    c0 = vec4f(c_MN[at0.x], c_MN[at0.y], c_MN[at0.z], c_MN[at0.w]);
    c1 = vec4f(c_MN[at1.x], c_MN[at1.y], c_MN[at1.z], c_MN[at1.w]);
    c2 = vec4f(c_MN[at2.x], c_MN[at2.y], c_MN[at2.z], c_MN[at2.w]);
    c3 = vec4f(c_MN[at3.x], c_MN[at3.y], c_MN[at3.z], c_MN[at3.w]);
  }

  let k_end = sizes.K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    let a = vec4f(a_MK[a_rows.x + k], a_MK[a_rows.y + k], a_MK[a_rows.z + k], a_MK[a_rows.w + k]);
    let b = vec4f(f32(b_KN[k * sizes.N + columns.x]), f32(b_KN[k * sizes.N + columns.y]), f32(b_KN[k * sizes.N + columns.z]), f32(b_KN[k * sizes.N + columns.w]));
    c0 += a.x * b;
    c1 += a.y * b;
    c2 += a.z * b;
    c3 += a.w * b;
  }
  let c = array<vec4f, 4>(c0, c1, c2, c3);
  let i_end = min(16u, (sizes.M - row) * 4u) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let c_column = column + i % 4u;
    if (c_column < sizes.N) {
      let index = (row + i / 4u) * sizes.N + c_column;
      var sum = c[i / 4u][i % 4u];
      if (sizes.BIAS == 1u) {
        sum += bias_N[c_column];
      }
      if (sizes.RESIDUAL == 1u) {
        sum += residual_MN[index];
      }
      if (sizes.ACCUMULATE == 1u) {
        sum += c_MN[index];
      }
      c_MN[index] = sum;
    }
  }
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  A_STRIDE: u32,
  BIAS: u32,
  RESIDUAL: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(5) var<uniform> sizes: Sizes;
`,
  },
  matmul_nt_parts_scalar: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', P: 'u32', PART_K: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> a_MK: array<f32>;
@group(0) @binding(1) var<storage, read> b_NK: array<f32>;
@group(0) @binding(2) var<storage, read_write> parts_PMN: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.P * sizes.M * sizes.N) {
    return;
  }
  let part = index / (sizes.M * sizes.N);
  let row = index / sizes.N % sizes.M;
  let column = index % sizes.N;
  var sum = 0.0;
  let k_end = min(sizes.K, (part + 1u) * sizes.PART_K);
  for (var k = part * sizes.PART_K; k < k_end; k++) {
    sum += a_MK[row * sizes.K + k] * b_NK[column * sizes.K + k];
  }
  parts_PMN[index] = sum;
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  P: u32,
  PART_K: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  matmul_nt_parts_scalar_f16: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', P: 'u32', PART_K: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> a_MK: array<f16>;
@group(0) @binding(1) var<storage, read> b_NK: array<f16>;
@group(0) @binding(2) var<storage, read_write> parts_PMN: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.P * sizes.M * sizes.N) {
    return;
  }
  let part = index / (sizes.M * sizes.N);
  let row = index / sizes.N % sizes.M;
  let column = index % sizes.N;
  var sum = 0.0;
  let k_end = min(sizes.K, (part + 1u) * sizes.PART_K);
  for (var k = part * sizes.PART_K; k < k_end; k++) {
    sum += f32(a_MK[row * sizes.K + k]) * f32(b_NK[column * sizes.K + k]);
  }
  parts_PMN[index] = sum;
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  P: u32,
  PART_K: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  matmul_nt_scalar: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', C_STRIDE: 'u32', RESIDUAL: 'u32', ACCUMULATE: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> a_MK: array<f32>;
@group(0) @binding(1) var<storage, read> b_NK: array<f32>;
@group(0) @binding(2) var<storage, read> residual_MN: array<f32>;
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.M * sizes.N) {
    return;
  }
  let row = index / sizes.N;
  let column = index % sizes.N;
  let c_index = row * sizes.C_STRIDE + column;
  var sum = 0.0;

  let k_end = sizes.K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    sum += a_MK[row * sizes.K + k] * b_NK[column * sizes.K + k];
  }
  if (sizes.RESIDUAL == 1u) {
    sum += residual_MN[c_index];
  }
  if (sizes.ACCUMULATE == 1u) {
    sum += c_MN[c_index];
  }
  c_MN[c_index] = sum;
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  C_STRIDE: u32,
  RESIDUAL: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(4) var<uniform> sizes: Sizes;
`,
  },
  matmul_nt_scalar_f16: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', C_STRIDE: 'u32', RESIDUAL: 'u32', ACCUMULATE: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> a_MK: array<f16>;
@group(0) @binding(1) var<storage, read> b_NK: array<f16>;
@group(0) @binding(2) var<storage, read> residual_MN: array<f16>;
@group(0) @binding(3) var<storage, read_write> c_MN: array<f16>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

fn stored_half(value: f32) -> f16 {
  let infinite = bitcast<vec2<f16>>(select(0x7c00u, 0xfc00u, value < 0.0)).x;
  return select(f16(value), infinite, abs(value) >= 65520.0);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.M * sizes.N) {
    return;
  }
  let row = index / sizes.N;
  let column = index % sizes.N;
  let c_index = row * sizes.C_STRIDE + column;
  var sum = 0.0;

  let k_end = sizes.K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    sum += f32(a_MK[row * sizes.K + k]) * f32(b_NK[column * sizes.K + k]);
  }
  if (sizes.RESIDUAL == 1u) {
    sum += f32(residual_MN[c_index]);
  }
  if (sizes.ACCUMULATE == 1u) {
    sum += f32(c_MN[c_index]);
  }
  c_MN[c_index] = stored_half(sum);
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  C_STRIDE: u32,
  RESIDUAL: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(4) var<uniform> sizes: Sizes;
`,
  },
  matmul_nt_scalar_f16_logits: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', C_STRIDE: 'u32', RESIDUAL: 'u32', ACCUMULATE: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> a_MK: array<f16>;
@group(0) @binding(1) var<storage, read> b_NK: array<f16>;
@group(0) @binding(2) var<storage, read> residual_MN: array<f32>;
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.M * sizes.N) {
    return;
  }
  let row = index / sizes.N;
  let column = index % sizes.N;
  let c_index = row * sizes.C_STRIDE + column;
  var sum = 0.0;

  let k_end = sizes.K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    sum += f32(a_MK[row * sizes.K + k]) * f32(b_NK[column * sizes.K + k]);
  }
  if (sizes.RESIDUAL == 1u) {
    sum += residual_MN[c_index];
  }
  if (sizes.ACCUMULATE == 1u) {
    sum += c_MN[c_index];
  }
  c_MN[c_index] = sum;
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  C_STRIDE: u32,
  RESIDUAL: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(4) var<uniform> sizes: Sizes;
`,
  },
  matmul_nt_subgroup: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', C_STRIDE: 'u32', RESIDUAL: 'u32', ACCUMULATE: 'u32' },
    text: `enable subgroups;

@group(0) @binding(0) var<storage, read> a_MK: array<vec4f>;
@group(0) @binding(1) var<storage, read> b_NK: array<vec4f>;
@group(0) @binding(2) var<storage, read> residual_MN: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> c_MN: array<vec4f>;
@group(1) @binding(0) var<uniform> first_group: u32;

const ROWS = 16u;
const COLUMNS = 8u;

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = first_group + group.y * groups.x + group.x;
  let tiles_across = (sizes.N + 31u) / 32u;
  let row = (tile / tiles_across) * ROWS;
  let column = (tile % tiles_across) * COLUMNS + lane;
  if (row >= sizes.M) {
    return;
  }

  let safe_column = min(column, sizes.N / 4u - 1u);
  let a_low = min(row + lane, sizes.M - 1u) * (sizes.K / 4u);
  let a_high = min(row + 8u + lane, sizes.M - 1u) * (sizes.K / 4u);
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

  let k_end = sizes.K / 4u * groups.z;
  for (var k = 0u; k < k_end; k++) {
    let low = a_MK[a_low + k];
    let high = a_MK[a_high + k];
    let start = safe_column * sizes.K + k;

    let b = transpose(
      mat4x4f(b_NK[start], b_NK[start + sizes.K / 4u], b_NK[start + sizes.K / 4u * 2u], b_NK[start + sizes.K / 4u * 3u]),
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
  if (column * 4u >= sizes.N) {
    return;
  }
  let i_end = min(ROWS, sizes.M - row) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let index = (row + i) * (sizes.C_STRIDE / 4u) + column;
    var sum = c[i];
    if (sizes.RESIDUAL == 1u) {
      sum += residual_MN[index];
    }
    if (sizes.ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  C_STRIDE: u32,
  RESIDUAL: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(4) var<uniform> sizes: Sizes;
`,
  },
  matmul_nt_subgroup_f16: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', C_STRIDE: 'u32', RESIDUAL: 'u32', ACCUMULATE: 'u32' },
    text: `enable f16;
enable subgroups;

@group(0) @binding(0) var<storage, read> a_MK: array<vec4<f16>>;
@group(0) @binding(1) var<storage, read> b_NK: array<vec4<f16>>;
@group(0) @binding(2) var<storage, read> residual_MN: array<vec4<f16>>;
@group(0) @binding(3) var<storage, read_write> c_MN: array<vec4<f16>>;
@group(1) @binding(0) var<uniform> first_group: u32;

const ROWS = 16u;
const COLUMNS = 8u;

fn stored_half4(value: vec4f) -> vec4<f16> {
  let signs = select(vec4u(0x7c00u), vec4u(0xfc00u), value < vec4f());
  let infinite = vec4<f16>(
    bitcast<vec2<f16>>(signs.x).x, bitcast<vec2<f16>>(signs.y).x,
    bitcast<vec2<f16>>(signs.z).x, bitcast<vec2<f16>>(signs.w).x,
  );
  return select(vec4<f16>(value), infinite, abs(value) >= vec4f(65520.0));
}

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = first_group + group.y * groups.x + group.x;
  let tiles_across = (sizes.N + 31u) / 32u;
  let row = (tile / tiles_across) * ROWS;
  let column = (tile % tiles_across) * COLUMNS + lane;
  if (row >= sizes.M) {
    return;
  }

  let safe_column = min(column, sizes.N / 4u - 1u);
  let a_low = min(row + lane, sizes.M - 1u) * (sizes.K / 4u);
  let a_high = min(row + 8u + lane, sizes.M - 1u) * (sizes.K / 4u);
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

  let k_end = sizes.K / 4u * groups.z;
  for (var k = 0u; k < k_end; k++) {
    let low = vec4f(a_MK[a_low + k]);
    let high = vec4f(a_MK[a_high + k]);
    let start = safe_column * sizes.K + k;

    let b = transpose(
      mat4x4f(vec4f(b_NK[start]), vec4f(b_NK[start + sizes.K / 4u]), vec4f(b_NK[start + sizes.K / 4u * 2u]), vec4f(b_NK[start + sizes.K / 4u * 3u])),
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
  if (column * 4u >= sizes.N) {
    return;
  }
  let i_end = min(ROWS, sizes.M - row) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let index = (row + i) * (sizes.C_STRIDE / 4u) + column;
    var sum = c[i];
    if (sizes.RESIDUAL == 1u) {
      sum += vec4f(residual_MN[index]);
    }
    if (sizes.ACCUMULATE == 1u) {
      sum += vec4f(c_MN[index]);
    }
    c_MN[index] = stored_half4(sum);
  }
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  C_STRIDE: u32,
  RESIDUAL: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(4) var<uniform> sizes: Sizes;
`,
  },
  matmul_nt_subgroup_f16_logits: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', C_STRIDE: 'u32', RESIDUAL: 'u32', ACCUMULATE: 'u32' },
    text: `enable f16;
enable subgroups;

@group(0) @binding(0) var<storage, read> a_MK: array<vec4<f16>>;
@group(0) @binding(1) var<storage, read> b_NK: array<vec4<f16>>;
@group(0) @binding(2) var<storage, read> residual_MN: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> c_MN: array<vec4f>;
@group(1) @binding(0) var<uniform> first_group: u32;

const ROWS = 16u;
const COLUMNS = 8u;

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = first_group + group.y * groups.x + group.x;
  let tiles_across = (sizes.N + 31u) / 32u;
  let row = (tile / tiles_across) * ROWS;
  let column = (tile % tiles_across) * COLUMNS + lane;
  if (row >= sizes.M) {
    return;
  }

  let safe_column = min(column, sizes.N / 4u - 1u);
  let a_low = min(row + lane, sizes.M - 1u) * (sizes.K / 4u);
  let a_high = min(row + 8u + lane, sizes.M - 1u) * (sizes.K / 4u);
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

  let k_end = sizes.K / 4u * groups.z;
  for (var k = 0u; k < k_end; k++) {
    let low = vec4f(a_MK[a_low + k]);
    let high = vec4f(a_MK[a_high + k]);
    let start = safe_column * sizes.K + k;

    let b = transpose(
      mat4x4f(vec4f(b_NK[start]), vec4f(b_NK[start + sizes.K / 4u]), vec4f(b_NK[start + sizes.K / 4u * 2u]), vec4f(b_NK[start + sizes.K / 4u * 3u])),
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
  if (column * 4u >= sizes.N) {
    return;
  }
  let i_end = min(ROWS, sizes.M - row) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let index = (row + i) * (sizes.C_STRIDE / 4u) + column;
    var sum = c[i];
    if (sizes.RESIDUAL == 1u) {
      sum += residual_MN[index];
    }
    if (sizes.ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  C_STRIDE: u32,
  RESIDUAL: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(4) var<uniform> sizes: Sizes;
`,
  },
  matmul_nt_swiglu_scalar: {
    sizes: { M: 'u32', K: 'u32', N: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> a_MK: array<f32>;
@group(0) @binding(1) var<storage, read> b_NK: array<f32>;
@group(0) @binding(2) var<storage, read> gate_MN: array<f32>;
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>;
@group(0) @binding(4) var<storage, read_write> y_MN: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.M * sizes.N) {
    return;
  }
  let row = index / sizes.N;
  let column = index % sizes.N;
  var sum = 0.0;

  let k_end = sizes.K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    sum += a_MK[row * sizes.K + k] * b_NK[column * sizes.K + k];
  }
  let gate = gate_MN[index];
  y_MN[index] = gate * (1.0 / (1.0 + exp(clamp(-gate, -80.0, 80.0)))) * sum;
  c_MN[index] = sum;
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
}
@group(0) @binding(5) var<uniform> sizes: Sizes;
`,
  },
  matmul_nt_tile: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', C_STRIDE: 'u32', RESIDUAL: 'u32', ACCUMULATE: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> a_MK: array<f32>;
@group(0) @binding(1) var<storage, read> b_NK: array<f32>;
@group(0) @binding(2) var<storage, read> residual_MN: array<f32>;
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = (first_group + group.y * groups.x + group.x) * WG + lane;
  let tiles_across = (sizes.N + 3u) / 4u;
  let row = tile / tiles_across * 4u;
  let column = tile % tiles_across * 4u;
  if (row >= sizes.M) {
    return;
  }
  let rows = min(row + vec4u(0u, 1u, 2u, 3u), vec4u(sizes.M - 1u));
  let columns = min(column + vec4u(0u, 1u, 2u, 3u), vec4u(sizes.N - 1u));
  var c0 = vec4f();
  var c1 = vec4f();
  var c2 = vec4f();
  var c3 = vec4f();

  let k_end = sizes.K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    let a = vec4f(a_MK[rows.x * sizes.K + k], a_MK[rows.y * sizes.K + k], a_MK[rows.z * sizes.K + k], a_MK[rows.w * sizes.K + k]);
    let b = vec4f(b_NK[columns.x * sizes.K + k], b_NK[columns.y * sizes.K + k], b_NK[columns.z * sizes.K + k], b_NK[columns.w * sizes.K + k]);
    c0 += a.x * b;
    c1 += a.y * b;
    c2 += a.z * b;
    c3 += a.w * b;
  }
  let c = array<vec4f, 4>(c0, c1, c2, c3);
  let i_end = min(16u, (sizes.M - row) * 4u) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let c_column = column + i % 4u;
    if (c_column < sizes.N) {
      let index = (row + i / 4u) * sizes.C_STRIDE + c_column;
      var sum = c[i / 4u][i % 4u];
      if (sizes.RESIDUAL == 1u) {
        sum += residual_MN[index];
      }
      if (sizes.ACCUMULATE == 1u) {
        sum += c_MN[index];
      }
      c_MN[index] = sum;
    }
  }
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  C_STRIDE: u32,
  RESIDUAL: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(4) var<uniform> sizes: Sizes;
`,
  },
  matmul_nt_tile_f16: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', C_STRIDE: 'u32', RESIDUAL: 'u32', ACCUMULATE: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> a_MK: array<f16>;
@group(0) @binding(1) var<storage, read> b_NK: array<f16>;
@group(0) @binding(2) var<storage, read> residual_MN: array<f16>;
@group(0) @binding(3) var<storage, read_write> c_MN: array<f16>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

fn stored_half(value: f32) -> f16 {
  let infinite = bitcast<vec2<f16>>(select(0x7c00u, 0xfc00u, value < 0.0)).x;
  return select(f16(value), infinite, abs(value) >= 65520.0);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = (first_group + group.y * groups.x + group.x) * WG + lane;
  let tiles_across = (sizes.N + 3u) / 4u;
  let row = tile / tiles_across * 4u;
  let column = tile % tiles_across * 4u;
  if (row >= sizes.M) {
    return;
  }
  let rows = min(row + vec4u(0u, 1u, 2u, 3u), vec4u(sizes.M - 1u));
  let columns = min(column + vec4u(0u, 1u, 2u, 3u), vec4u(sizes.N - 1u));
  var c0 = vec4f();
  var c1 = vec4f();
  var c2 = vec4f();
  var c3 = vec4f();

  let k_end = sizes.K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    let a = vec4f(f32(a_MK[rows.x * sizes.K + k]), f32(a_MK[rows.y * sizes.K + k]), f32(a_MK[rows.z * sizes.K + k]), f32(a_MK[rows.w * sizes.K + k]));
    let b = vec4f(f32(b_NK[columns.x * sizes.K + k]), f32(b_NK[columns.y * sizes.K + k]), f32(b_NK[columns.z * sizes.K + k]), f32(b_NK[columns.w * sizes.K + k]));
    c0 += a.x * b;
    c1 += a.y * b;
    c2 += a.z * b;
    c3 += a.w * b;
  }
  let c = array<vec4f, 4>(c0, c1, c2, c3);
  let i_end = min(16u, (sizes.M - row) * 4u) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let c_column = column + i % 4u;
    if (c_column < sizes.N) {
      let index = (row + i / 4u) * sizes.C_STRIDE + c_column;
      var sum = c[i / 4u][i % 4u];
      if (sizes.RESIDUAL == 1u) {
        sum += f32(residual_MN[index]);
      }
      if (sizes.ACCUMULATE == 1u) {
        sum += f32(c_MN[index]);
      }
      c_MN[index] = stored_half(sum);
    }
  }
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  C_STRIDE: u32,
  RESIDUAL: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(4) var<uniform> sizes: Sizes;
`,
  },
  matmul_nt_tile_f16_logits: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', C_STRIDE: 'u32', RESIDUAL: 'u32', ACCUMULATE: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> a_MK: array<f16>;
@group(0) @binding(1) var<storage, read> b_NK: array<f16>;
@group(0) @binding(2) var<storage, read> residual_MN: array<f32>;
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = (first_group + group.y * groups.x + group.x) * WG + lane;
  let tiles_across = (sizes.N + 3u) / 4u;
  let row = tile / tiles_across * 4u;
  let column = tile % tiles_across * 4u;
  if (row >= sizes.M) {
    return;
  }
  let rows = min(row + vec4u(0u, 1u, 2u, 3u), vec4u(sizes.M - 1u));
  let columns = min(column + vec4u(0u, 1u, 2u, 3u), vec4u(sizes.N - 1u));
  var c0 = vec4f();
  var c1 = vec4f();
  var c2 = vec4f();
  var c3 = vec4f();

  let k_end = sizes.K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    let a = vec4f(f32(a_MK[rows.x * sizes.K + k]), f32(a_MK[rows.y * sizes.K + k]), f32(a_MK[rows.z * sizes.K + k]), f32(a_MK[rows.w * sizes.K + k]));
    let b = vec4f(f32(b_NK[columns.x * sizes.K + k]), f32(b_NK[columns.y * sizes.K + k]), f32(b_NK[columns.z * sizes.K + k]), f32(b_NK[columns.w * sizes.K + k]));
    c0 += a.x * b;
    c1 += a.y * b;
    c2 += a.z * b;
    c3 += a.w * b;
  }
  let c = array<vec4f, 4>(c0, c1, c2, c3);
  let i_end = min(16u, (sizes.M - row) * 4u) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let c_column = column + i % 4u;
    if (c_column < sizes.N) {
      let index = (row + i / 4u) * sizes.C_STRIDE + c_column;
      var sum = c[i / 4u][i % 4u];
      if (sizes.RESIDUAL == 1u) {
        sum += residual_MN[index];
      }
      if (sizes.ACCUMULATE == 1u) {
        sum += c_MN[index];
      }
      c_MN[index] = sum;
    }
  }
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  C_STRIDE: u32,
  RESIDUAL: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(4) var<uniform> sizes: Sizes;
`,
  },
  matmul_parts_sum: {
    sizes: { M: 'u32', N: 'u32', P: 'u32', BIAS: 'u32', RESIDUAL: 'u32', ACCUMULATE: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> parts_PMN: array<f32>;
@group(0) @binding(1) var<storage, read> bias_N: array<f32>;
@group(0) @binding(2) var<storage, read> residual_MN: array<f32>;
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.M * sizes.N) {
    return;
  }

  let part_end = sizes.P * groups.z;
  var sum = 0.0;
  for (var part = 0u; part < part_end; part++) {
    sum += parts_PMN[part * sizes.M * sizes.N + index];
  }
  if (sizes.BIAS == 1u) {
    sum += bias_N[index % sizes.N];
  }
  if (sizes.RESIDUAL == 1u) {
    sum += residual_MN[index];
  }
  if (sizes.ACCUMULATE == 1u) {
    sum += c_MN[index];
  }
  c_MN[index] = sum;
}

struct Sizes {
  M: u32,
  N: u32,
  P: u32,
  BIAS: u32,
  RESIDUAL: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(4) var<uniform> sizes: Sizes;
`,
  },
  matmul_parts_sum_f16: {
    sizes: { M: 'u32', N: 'u32', P: 'u32', BIAS: 'u32', RESIDUAL: 'u32', ACCUMULATE: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> parts_PMN: array<f32>;
@group(0) @binding(1) var<storage, read> bias_N: array<f32>;
@group(0) @binding(2) var<storage, read> residual_MN: array<f16>;
@group(0) @binding(3) var<storage, read_write> c_MN: array<f16>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

fn stored_half(value: f32) -> f16 {
  let infinite = bitcast<vec2<f16>>(select(0x7c00u, 0xfc00u, value < 0.0)).x;
  return select(f16(value), infinite, abs(value) >= 65520.0);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.M * sizes.N) {
    return;
  }

  let part_end = sizes.P * groups.z;
  var sum = 0.0;
  for (var part = 0u; part < part_end; part++) {
    sum += parts_PMN[part * sizes.M * sizes.N + index];
  }
  if (sizes.BIAS == 1u) {
    sum += bias_N[index % sizes.N];
  }
  if (sizes.RESIDUAL == 1u) {
    sum += f32(residual_MN[index]);
  }
  if (sizes.ACCUMULATE == 1u) {
    sum += f32(c_MN[index]);
  }
  c_MN[index] = stored_half(sum);
}

struct Sizes {
  M: u32,
  N: u32,
  P: u32,
  BIAS: u32,
  RESIDUAL: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(4) var<uniform> sizes: Sizes;
`,
  },
  matmul_tn_parts_scalar: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', P: 'u32', PART_K: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> a_KM: array<f32>;
@group(0) @binding(1) var<storage, read> b_KN: array<f32>;
@group(0) @binding(2) var<storage, read_write> parts_PMN: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.P * sizes.M * sizes.N) {
    return;
  }
  let part = index / (sizes.M * sizes.N);
  let row = index / sizes.N % sizes.M;
  let column = index % sizes.N;
  var sum = 0.0;
  let k_end = min(sizes.K, (part + 1u) * sizes.PART_K);
  for (var k = part * sizes.PART_K; k < k_end; k++) {
    sum += a_KM[k * sizes.M + row] * b_KN[k * sizes.N + column];
  }
  parts_PMN[index] = sum;
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  P: u32,
  PART_K: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  matmul_tn_parts_scalar_f16: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', P: 'u32', PART_K: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> a_KM: array<f16>;
@group(0) @binding(1) var<storage, read> b_KN: array<f16>;
@group(0) @binding(2) var<storage, read_write> parts_PMN: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.P * sizes.M * sizes.N) {
    return;
  }
  let part = index / (sizes.M * sizes.N);
  let row = index / sizes.N % sizes.M;
  let column = index % sizes.N;
  var sum = 0.0;
  let k_end = min(sizes.K, (part + 1u) * sizes.PART_K);
  for (var k = part * sizes.PART_K; k < k_end; k++) {
    sum += f32(a_KM[k * sizes.M + row]) * f32(b_KN[k * sizes.N + column]);
  }
  parts_PMN[index] = sum;
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  P: u32,
  PART_K: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  matmul_tn_scalar: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', A_STRIDE: 'u32', ACCUMULATE: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> a_KM: array<f32>;
@group(0) @binding(1) var<storage, read> b_KN: array<f32>;
@group(0) @binding(2) var<storage, read_write> c_MN: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.M * sizes.N) {
    return;
  }
  let row = index / sizes.N;
  let column = index % sizes.N;
  var sum = 0.0;

  let k_end = sizes.K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    sum += a_KM[k * sizes.A_STRIDE + row] * b_KN[k * sizes.N + column];
  }
  if (sizes.ACCUMULATE == 1u) {
    sum += c_MN[index];
  }
  c_MN[index] = sum;
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  A_STRIDE: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  matmul_tn_scalar_f16: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', A_STRIDE: 'u32', ACCUMULATE: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> a_KM: array<f16>;
@group(0) @binding(1) var<storage, read> b_KN: array<f16>;
@group(0) @binding(2) var<storage, read_write> c_MN: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.M * sizes.N) {
    return;
  }
  let row = index / sizes.N;
  let column = index % sizes.N;
  var sum = 0.0;

  let k_end = sizes.K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    sum += f32(a_KM[k * sizes.A_STRIDE + row]) * f32(b_KN[k * sizes.N + column]);
  }
  if (sizes.ACCUMULATE == 1u) {
    sum += c_MN[index];
  }
  c_MN[index] = sum;
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  A_STRIDE: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  matmul_tn_scalar_f16_logits: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', A_STRIDE: 'u32', ACCUMULATE: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> a_KM: array<f32>;
@group(0) @binding(1) var<storage, read> b_KN: array<f16>;
@group(0) @binding(2) var<storage, read_write> c_MN: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.M * sizes.N) {
    return;
  }
  let row = index / sizes.N;
  let column = index % sizes.N;
  var sum = 0.0;

  let k_end = sizes.K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    sum += a_KM[k * sizes.A_STRIDE + row] * f32(b_KN[k * sizes.N + column]);
  }
  if (sizes.ACCUMULATE == 1u) {
    sum += c_MN[index];
  }
  c_MN[index] = sum;
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  A_STRIDE: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  matmul_tn_subgroup: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', A_STRIDE: 'u32', ACCUMULATE: 'u32' },
    text: `enable subgroups;

@group(0) @binding(0) var<storage, read> a_KM: array<vec4f>;
@group(0) @binding(1) var<storage, read> b_KN: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> c_MN: array<vec4f>;
@group(1) @binding(0) var<uniform> first_group: u32;

override IS_WHOLE: bool;
const ROWS = 16u;
const COLUMNS = 8u;

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = first_group + group.y * groups.x + group.x;
  let tiles_across = (sizes.N + 31u) / 32u;
  let row = (tile / tiles_across) * ROWS;
  let column = (tile % tiles_across) * COLUMNS + lane;
  if (row >= sizes.M) {
    return;
  }

  let safe_column = min(column, sizes.N / 4u - 1u);

  let a_low = (lane % 4u) * (sizes.A_STRIDE / 4u) + min(row / 4u + lane / 4u, sizes.M / 4u - 1u);
  let a_high = (lane % 4u) * (sizes.A_STRIDE / 4u) + min(row / 4u + 2u + lane / 4u, sizes.M / 4u - 1u);
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

  let k_end = sizes.K * groups.z;
  for (var k = 0u; k < k_end; k += 4u) {

    let is_there = IS_WHOLE || k + lane % 4u < sizes.K;
    let low = select(vec4f(), a_KM[k * (sizes.A_STRIDE / 4u) + a_low], is_there);
    let high = select(vec4f(), a_KM[k * (sizes.A_STRIDE / 4u) + a_high], is_there);
    let start = k * (sizes.N / 4u) + safe_column;
    let b = mat4x4f(
      b_KN[start],
      select(vec4f(), b_KN[start + sizes.N / 4u], IS_WHOLE || k + 1u < sizes.K),
      select(vec4f(), b_KN[start + sizes.N / 4u * 2u], IS_WHOLE || k + 2u < sizes.K),
      select(vec4f(), b_KN[start + sizes.N / 4u * 3u], IS_WHOLE || k + 3u < sizes.K),
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
  if (column * 4u >= sizes.N) {
    return;
  }
  let i_end = min(ROWS, sizes.M - row) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let index = (row + i) * (sizes.N / 4u) + column;
    var sum = c[i];
    if (sizes.ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  A_STRIDE: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  matmul_tn_subgroup_f16: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', A_STRIDE: 'u32', ACCUMULATE: 'u32' },
    text: `enable f16;
enable subgroups;

@group(0) @binding(0) var<storage, read> a_KM: array<vec4<f16>>;
@group(0) @binding(1) var<storage, read> b_KN: array<vec4<f16>>;
@group(0) @binding(2) var<storage, read_write> c_MN: array<vec4f>;
@group(1) @binding(0) var<uniform> first_group: u32;

override IS_WHOLE: bool;
const ROWS = 16u;
const COLUMNS = 8u;

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = first_group + group.y * groups.x + group.x;
  let tiles_across = (sizes.N + 31u) / 32u;
  let row = (tile / tiles_across) * ROWS;
  let column = (tile % tiles_across) * COLUMNS + lane;
  if (row >= sizes.M) {
    return;
  }

  let safe_column = min(column, sizes.N / 4u - 1u);

  let a_low = (lane % 4u) * (sizes.A_STRIDE / 4u) + min(row / 4u + lane / 4u, sizes.M / 4u - 1u);
  let a_high = (lane % 4u) * (sizes.A_STRIDE / 4u) + min(row / 4u + 2u + lane / 4u, sizes.M / 4u - 1u);
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

  let k_end = sizes.K * groups.z;
  for (var k = 0u; k < k_end; k += 4u) {

    let is_there = IS_WHOLE || k + lane % 4u < sizes.K;
    let low = select(vec4f(), vec4f(a_KM[k * (sizes.A_STRIDE / 4u) + a_low]), is_there);
    let high = select(vec4f(), vec4f(a_KM[k * (sizes.A_STRIDE / 4u) + a_high]), is_there);
    let start = k * (sizes.N / 4u) + safe_column;
    let b = mat4x4f(
      vec4f(b_KN[start]),
      select(vec4f(), vec4f(b_KN[start + sizes.N / 4u]), IS_WHOLE || k + 1u < sizes.K),
      select(vec4f(), vec4f(b_KN[start + sizes.N / 4u * 2u]), IS_WHOLE || k + 2u < sizes.K),
      select(vec4f(), vec4f(b_KN[start + sizes.N / 4u * 3u]), IS_WHOLE || k + 3u < sizes.K),
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
  if (column * 4u >= sizes.N) {
    return;
  }
  let i_end = min(ROWS, sizes.M - row) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let index = (row + i) * (sizes.N / 4u) + column;
    var sum = c[i];
    if (sizes.ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  A_STRIDE: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  matmul_tn_subgroup_f16_logits: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', A_STRIDE: 'u32', ACCUMULATE: 'u32' },
    text: `enable f16;
enable subgroups;

@group(0) @binding(0) var<storage, read> a_KM: array<vec4f>;
@group(0) @binding(1) var<storage, read> b_KN: array<vec4<f16>>;
@group(0) @binding(2) var<storage, read_write> c_MN: array<vec4f>;
@group(1) @binding(0) var<uniform> first_group: u32;

override IS_WHOLE: bool;
const ROWS = 16u;
const COLUMNS = 8u;

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = first_group + group.y * groups.x + group.x;
  let tiles_across = (sizes.N + 31u) / 32u;
  let row = (tile / tiles_across) * ROWS;
  let column = (tile % tiles_across) * COLUMNS + lane;
  if (row >= sizes.M) {
    return;
  }

  let safe_column = min(column, sizes.N / 4u - 1u);

  let a_low = (lane % 4u) * (sizes.A_STRIDE / 4u) + min(row / 4u + lane / 4u, sizes.M / 4u - 1u);
  let a_high = (lane % 4u) * (sizes.A_STRIDE / 4u) + min(row / 4u + 2u + lane / 4u, sizes.M / 4u - 1u);
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

  let k_end = sizes.K * groups.z;
  for (var k = 0u; k < k_end; k += 4u) {

    let is_there = IS_WHOLE || k + lane % 4u < sizes.K;
    let low = select(vec4f(), a_KM[k * (sizes.A_STRIDE / 4u) + a_low], is_there);
    let high = select(vec4f(), a_KM[k * (sizes.A_STRIDE / 4u) + a_high], is_there);
    let start = k * (sizes.N / 4u) + safe_column;
    let b = mat4x4f(
      vec4f(b_KN[start]),
      select(vec4f(), vec4f(b_KN[start + sizes.N / 4u]), IS_WHOLE || k + 1u < sizes.K),
      select(vec4f(), vec4f(b_KN[start + sizes.N / 4u * 2u]), IS_WHOLE || k + 2u < sizes.K),
      select(vec4f(), vec4f(b_KN[start + sizes.N / 4u * 3u]), IS_WHOLE || k + 3u < sizes.K),
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
  if (column * 4u >= sizes.N) {
    return;
  }
  let i_end = min(ROWS, sizes.M - row) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let index = (row + i) * (sizes.N / 4u) + column;
    var sum = c[i];
    if (sizes.ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  A_STRIDE: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  matmul_tn_tile: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', A_STRIDE: 'u32', ACCUMULATE: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> a_KM: array<f32>;
@group(0) @binding(1) var<storage, read> b_KN: array<f32>;
@group(0) @binding(2) var<storage, read_write> c_MN: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = (first_group + group.y * groups.x + group.x) * WG + lane;
  let tiles_across = (sizes.N + 3u) / 4u;
  let row = tile / tiles_across * 4u;
  let column = tile % tiles_across * 4u;
  if (row >= sizes.M) {
    return;
  }
  let rows = min(row + vec4u(0u, 1u, 2u, 3u), vec4u(sizes.M - 1u));
  let columns = min(column + vec4u(0u, 1u, 2u, 3u), vec4u(sizes.N - 1u));
  var c0 = vec4f();
  var c1 = vec4f();
  var c2 = vec4f();
  var c3 = vec4f();

  let k_end = sizes.K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    let start = k * sizes.A_STRIDE;
    let a = vec4f(a_KM[start + rows.x], a_KM[start + rows.y], a_KM[start + rows.z], a_KM[start + rows.w]);
    let b = vec4f(b_KN[k * sizes.N + columns.x], b_KN[k * sizes.N + columns.y], b_KN[k * sizes.N + columns.z], b_KN[k * sizes.N + columns.w]);
    c0 += a.x * b;
    c1 += a.y * b;
    c2 += a.z * b;
    c3 += a.w * b;
  }
  let c = array<vec4f, 4>(c0, c1, c2, c3);
  let i_end = min(16u, (sizes.M - row) * 4u) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let c_column = column + i % 4u;
    if (c_column < sizes.N) {
      let index = (row + i / 4u) * sizes.N + c_column;
      var sum = c[i / 4u][i % 4u];
      if (sizes.ACCUMULATE == 1u) {
        sum += c_MN[index];
      }
      c_MN[index] = sum;
    }
  }
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  A_STRIDE: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  matmul_tn_tile_f16: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', A_STRIDE: 'u32', ACCUMULATE: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> a_KM: array<f16>;
@group(0) @binding(1) var<storage, read> b_KN: array<f16>;
@group(0) @binding(2) var<storage, read_write> c_MN: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = (first_group + group.y * groups.x + group.x) * WG + lane;
  let tiles_across = (sizes.N + 3u) / 4u;
  let row = tile / tiles_across * 4u;
  let column = tile % tiles_across * 4u;
  if (row >= sizes.M) {
    return;
  }
  let rows = min(row + vec4u(0u, 1u, 2u, 3u), vec4u(sizes.M - 1u));
  let columns = min(column + vec4u(0u, 1u, 2u, 3u), vec4u(sizes.N - 1u));
  var c0 = vec4f();
  var c1 = vec4f();
  var c2 = vec4f();
  var c3 = vec4f();

  let k_end = sizes.K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    let start = k * sizes.A_STRIDE;
    let a = vec4f(f32(a_KM[start + rows.x]), f32(a_KM[start + rows.y]), f32(a_KM[start + rows.z]), f32(a_KM[start + rows.w]));
    let b = vec4f(f32(b_KN[k * sizes.N + columns.x]), f32(b_KN[k * sizes.N + columns.y]), f32(b_KN[k * sizes.N + columns.z]), f32(b_KN[k * sizes.N + columns.w]));
    c0 += a.x * b;
    c1 += a.y * b;
    c2 += a.z * b;
    c3 += a.w * b;
  }
  let c = array<vec4f, 4>(c0, c1, c2, c3);
  let i_end = min(16u, (sizes.M - row) * 4u) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let c_column = column + i % 4u;
    if (c_column < sizes.N) {
      let index = (row + i / 4u) * sizes.N + c_column;
      var sum = c[i / 4u][i % 4u];
      if (sizes.ACCUMULATE == 1u) {
        sum += c_MN[index];
      }
      c_MN[index] = sum;
    }
  }
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  A_STRIDE: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  matmul_tn_tile_f16_logits: {
    sizes: { M: 'u32', K: 'u32', N: 'u32', A_STRIDE: 'u32', ACCUMULATE: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> a_KM: array<f32>;
@group(0) @binding(1) var<storage, read> b_KN: array<f16>;
@group(0) @binding(2) var<storage, read_write> c_MN: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = (first_group + group.y * groups.x + group.x) * WG + lane;
  let tiles_across = (sizes.N + 3u) / 4u;
  let row = tile / tiles_across * 4u;
  let column = tile % tiles_across * 4u;
  if (row >= sizes.M) {
    return;
  }
  let rows = min(row + vec4u(0u, 1u, 2u, 3u), vec4u(sizes.M - 1u));
  let columns = min(column + vec4u(0u, 1u, 2u, 3u), vec4u(sizes.N - 1u));
  var c0 = vec4f();
  var c1 = vec4f();
  var c2 = vec4f();
  var c3 = vec4f();

  let k_end = sizes.K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    let start = k * sizes.A_STRIDE;
    let a = vec4f(a_KM[start + rows.x], a_KM[start + rows.y], a_KM[start + rows.z], a_KM[start + rows.w]);
    let b = vec4f(f32(b_KN[k * sizes.N + columns.x]), f32(b_KN[k * sizes.N + columns.y]), f32(b_KN[k * sizes.N + columns.z]), f32(b_KN[k * sizes.N + columns.w]));
    c0 += a.x * b;
    c1 += a.y * b;
    c2 += a.z * b;
    c3 += a.w * b;
  }
  let c = array<vec4f, 4>(c0, c1, c2, c3);
  let i_end = min(16u, (sizes.M - row) * 4u) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let c_column = column + i % 4u;
    if (c_column < sizes.N) {
      let index = (row + i / 4u) * sizes.N + c_column;
      var sum = c[i / 4u][i % 4u];
      if (sizes.ACCUMULATE == 1u) {
        sum += c_MN[index];
      }
      c_MN[index] = sum;
    }
  }
}

struct Sizes {
  M: u32,
  K: u32,
  N: u32,
  A_STRIDE: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  multiply_add: {
    sizes: { L: 'u32', R: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> x_L: array<f32>;
@group(0) @binding(1) var<storage, read> factors_2: array<f32>;
@group(0) @binding(2) var<storage, read_write> y_L: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

const QUARTER = vec4f(0.0, 0.03125, 0.0625, 0.09375);

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.L) {
    return;
  }
  let a = vec4f(factors_2[0]);
  let b = vec4f(factors_2[1]);
  var z0 = QUARTER + x_L[index];
  var z1 = z0 + 0.125;
  var z2 = z0 + 0.25;
  var z3 = z0 + 0.375;
  var z4 = z0 + 0.5;
  var z5 = z0 + 0.625;
  var z6 = z0 + 0.75;
  var z7 = z0 + 0.875;

  for (var step = 0u; step < sizes.R * groups.z; step++) {
    z0 = fma(z0, a, b);
    z1 = fma(z1, a, b);
    z2 = fma(z2, a, b);
    z3 = fma(z3, a, b);
    z4 = fma(z4, a, b);
    z5 = fma(z5, a, b);
    z6 = fma(z6, a, b);
    z7 = fma(z7, a, b);
  }
  let sum = (z0 + z1) + (z2 + z3) + ((z4 + z5) + (z6 + z7));
  y_L[index] = (sum.x + sum.y) + (sum.z + sum.w);
}

struct Sizes {
  L: u32,
  R: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  narrow: {
    sizes: { L: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> x_L: array<f32>;
@group(0) @binding(1) var<storage, read_write> y_L: array<u32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

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

  if (magnitude >= 0x477ff000u) {
    return sign | 0x7c00u;
  }
  if (magnitude >= 0x38800000u) {
    let rebased = magnitude - 0x38000000u;
    return sign | rounded(rebased >> 13u, rebased & 0x1fffu, 0x1000u);
  }

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
  if (index >= sizes.L) {
    return;
  }
  var bits = half_bits(x_L[index]);
  if (index + 1u < sizes.L) {
    bits |= half_bits(x_L[index + 1u]) << 16u;
  }
  y_L[word] = bits;
}

struct Sizes {
  L: u32,
}
@group(0) @binding(2) var<uniform> sizes: Sizes;
`,
  },
  rmsnorm_backward_input: {
    sizes: { N: 'u32', C: 'u32', RESIDUAL: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> dy_NC: array<f32>;
@group(0) @binding(1) var<storage, read> x_NC: array<f32>;
@group(0) @binding(2) var<storage, read> weight_C: array<f32>;
@group(0) @binding(3) var<storage, read> rstd_N: array<f32>;
@group(0) @binding(4) var<storage, read> residual_NC: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx_NC: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (row >= sizes.N) {
    return;
  }
  let start = row * sizes.C;
  let rstd = rstd_N[row];
  var sum_gn = 0.0;

  let i_end = sizes.C * groups.z;
  for (var i = 0u; i < i_end; i++) {
    sum_gn += dy_NC[start + i] * weight_C[i] * (x_NC[start + i] * rstd);
  }
  let mean_gn = sum_gn / f32(sizes.C);
  for (var i = 0u; i < i_end; i++) {
    let g = dy_NC[start + i] * weight_C[i];
    var dx = rstd * (g - x_NC[start + i] * rstd * mean_gn);
    if (sizes.RESIDUAL == 1u) {
      dx += residual_NC[start + i];
    }
    dx_NC[start + i] = dx;
  }
}

struct Sizes {
  N: u32,
  C: u32,
  RESIDUAL: u32,
}
@group(0) @binding(6) var<uniform> sizes: Sizes;
`,
  },
  rmsnorm_backward_input_f16: {
    sizes: { N: 'u32', C: 'u32', RESIDUAL: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> dy_NC: array<f16>;
@group(0) @binding(1) var<storage, read> x_NC: array<f16>;
@group(0) @binding(2) var<storage, read> weight_C: array<f32>;
@group(0) @binding(3) var<storage, read> rstd_N: array<f32>;
@group(0) @binding(4) var<storage, read> residual_NC: array<f16>;
@group(0) @binding(5) var<storage, read_write> dx_NC: array<f16>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

fn stored_half(value: f32) -> f16 {
  let infinite = bitcast<vec2<f16>>(select(0x7c00u, 0xfc00u, value < 0.0)).x;
  return select(f16(value), infinite, abs(value) >= 65520.0);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (row >= sizes.N) {
    return;
  }
  let start = row * sizes.C;
  let rstd = rstd_N[row];
  var sum_gn = 0.0;

  let i_end = sizes.C * groups.z;
  for (var i = 0u; i < i_end; i++) {
    sum_gn += f32(dy_NC[start + i]) * weight_C[i] * (f32(x_NC[start + i]) * rstd);
  }
  let mean_gn = sum_gn / f32(sizes.C);
  for (var i = 0u; i < i_end; i++) {
    let g = f32(dy_NC[start + i]) * weight_C[i];
    var dx = rstd * (g - f32(x_NC[start + i]) * rstd * mean_gn);
    if (sizes.RESIDUAL == 1u) {
      dx += f32(residual_NC[start + i]);
    }
    dx_NC[start + i] = stored_half(dx);
  }
}

struct Sizes {
  N: u32,
  C: u32,
  RESIDUAL: u32,
}
@group(0) @binding(6) var<uniform> sizes: Sizes;
`,
  },
  rmsnorm_backward_weight: {
    sizes: { N: 'u32', C: 'u32', ACCUMULATE: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> dy_NC: array<f32>;
@group(0) @binding(1) var<storage, read> x_NC: array<f32>;
@group(0) @binding(2) var<storage, read> rstd_N: array<f32>;
@group(0) @binding(3) var<storage, read_write> dweight_C: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let column = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (column >= sizes.C) {
    return;
  }
  var sum = 0.0;

  let row_end = sizes.N * groups.z;
  for (var row = 0u; row < row_end; row++) {
    sum += dy_NC[row * sizes.C + column] * (x_NC[row * sizes.C + column] * rstd_N[row]);
  }
  if (sizes.ACCUMULATE == 1u) {
    sum += dweight_C[column];
  }
  dweight_C[column] = sum;
}

struct Sizes {
  N: u32,
  C: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(4) var<uniform> sizes: Sizes;
`,
  },
  rmsnorm_backward_weight_f16: {
    sizes: { N: 'u32', C: 'u32', ACCUMULATE: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> dy_NC: array<f16>;
@group(0) @binding(1) var<storage, read> x_NC: array<f16>;
@group(0) @binding(2) var<storage, read> rstd_N: array<f32>;
@group(0) @binding(3) var<storage, read_write> dweight_C: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let column = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (column >= sizes.C) {
    return;
  }
  var sum = 0.0;

  let row_end = sizes.N * groups.z;
  for (var row = 0u; row < row_end; row++) {
    sum += f32(dy_NC[row * sizes.C + column]) * (f32(x_NC[row * sizes.C + column]) * rstd_N[row]);
  }
  if (sizes.ACCUMULATE == 1u) {
    sum += dweight_C[column];
  }
  dweight_C[column] = sum;
}

struct Sizes {
  N: u32,
  C: u32,
  ACCUMULATE: u32,
}
@group(0) @binding(4) var<uniform> sizes: Sizes;
`,
  },
  rmsnorm_forward: {
    sizes: { N: 'u32', C: 'u32', EPSILON: 'f32' },
    text: `@group(0) @binding(0) var<storage, read> x_NC: array<f32>;
@group(0) @binding(1) var<storage, read> weight_C: array<f32>;
@group(0) @binding(2) var<storage, read_write> y_NC: array<f32>;
@group(0) @binding(3) var<storage, read_write> rstd_N: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (row >= sizes.N) {
    return;
  }
  let start = row * sizes.C;
  var squares = 0.0;

  let i_end = sizes.C * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let x = x_NC[start + i];
    squares += x * x;
  }
  let rstd = 1.0 / sqrt(squares / f32(sizes.C) + sizes.EPSILON);
  for (var i = 0u; i < i_end; i++) {
    y_NC[start + i] = x_NC[start + i] * rstd * weight_C[i];
  }
  rstd_N[row] = rstd;
}

struct Sizes {
  N: u32,
  C: u32,
  EPSILON: f32,
}
@group(0) @binding(4) var<uniform> sizes: Sizes;
`,
  },
  rmsnorm_forward_f16: {
    sizes: { N: 'u32', C: 'u32', EPSILON: 'f32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> x_NC: array<f16>;
@group(0) @binding(1) var<storage, read> weight_C: array<f32>;
@group(0) @binding(2) var<storage, read_write> y_NC: array<f16>;
@group(0) @binding(3) var<storage, read_write> rstd_N: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

fn stored_half(value: f32) -> f16 {
  let infinite = bitcast<vec2<f16>>(select(0x7c00u, 0xfc00u, value < 0.0)).x;
  return select(f16(value), infinite, abs(value) >= 65520.0);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (row >= sizes.N) {
    return;
  }
  let start = row * sizes.C;
  var squares = 0.0;

  let i_end = sizes.C * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let x = f32(x_NC[start + i]);
    squares += x * x;
  }
  let rstd = 1.0 / sqrt(squares / f32(sizes.C) + sizes.EPSILON);
  for (var i = 0u; i < i_end; i++) {
    y_NC[start + i] = stored_half(f32(x_NC[start + i]) * rstd * weight_C[i]);
  }
  rstd_N[row] = rstd;
}

struct Sizes {
  N: u32,
  C: u32,
  EPSILON: f32,
}
@group(0) @binding(4) var<uniform> sizes: Sizes;
`,
  },
  rope_backward: {
    sizes: { B: 'u32', T: 'u32', H: 'u32', G: 'u32', D: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> dqkv_BTE: array<f32>;
@group(0) @binding(1) var<storage, read> table_TD: array<f32>;
@group(0) @binding(2) var<storage, read_write> dq_BTHD: array<f32>;
@group(0) @binding(3) var<storage, read_write> dk_BTGD: array<f32>;
@group(0) @binding(4) var<storage, read_write> dv_BTGD: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  let width = (sizes.H + 2u * sizes.G) * sizes.D;
  if (index >= sizes.B * sizes.T * width) {
    return;
  }
  let row = index / width;
  let column = index % width;
  if (column >= (sizes.H + sizes.G) * sizes.D) {
    dv_BTGD[row * sizes.G * sizes.D + column - (sizes.H + sizes.G) * sizes.D] = dqkv_BTE[index];
    return;
  }
  let half = sizes.D / 2u;
  let d = column % sizes.D;
  let is_low = d < half;
  let other = select(index - half, index + half, is_low);
  let angle = row % sizes.T * sizes.D + d % half;
  let partner = dqkv_BTE[other];
  let dx = dqkv_BTE[index] * table_TD[angle] + select(-partner, partner, is_low) * table_TD[angle + half];
  if (column < sizes.H * sizes.D) {
    dq_BTHD[row * sizes.H * sizes.D + column] = dx;
  } else {
    dk_BTGD[row * sizes.G * sizes.D + column - sizes.H * sizes.D] = dx;
  }
}

struct Sizes {
  B: u32,
  T: u32,
  H: u32,
  G: u32,
  D: u32,
}
@group(0) @binding(5) var<uniform> sizes: Sizes;
`,
  },
  rope_backward_f16: {
    sizes: { B: 'u32', T: 'u32', H: 'u32', G: 'u32', D: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> dqkv_BTE: array<f16>;
@group(0) @binding(1) var<storage, read> table_TD: array<f32>;
@group(0) @binding(2) var<storage, read_write> dq_BTHD: array<f16>;
@group(0) @binding(3) var<storage, read_write> dk_BTGD: array<f16>;
@group(0) @binding(4) var<storage, read_write> dv_BTGD: array<f16>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

fn stored_half(value: f32) -> f16 {
  let infinite = bitcast<vec2<f16>>(select(0x7c00u, 0xfc00u, value < 0.0)).x;
  return select(f16(value), infinite, abs(value) >= 65520.0);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  let width = (sizes.H + 2u * sizes.G) * sizes.D;
  if (index >= sizes.B * sizes.T * width) {
    return;
  }
  let row = index / width;
  let column = index % width;
  if (column >= (sizes.H + sizes.G) * sizes.D) {
    dv_BTGD[row * sizes.G * sizes.D + column - (sizes.H + sizes.G) * sizes.D] = stored_half(f32(dqkv_BTE[index]));
    return;
  }
  let half = sizes.D / 2u;
  let d = column % sizes.D;
  let is_low = d < half;
  let other = select(index - half, index + half, is_low);
  let angle = row % sizes.T * sizes.D + d % half;
  let partner = f32(dqkv_BTE[other]);
  let dx = f32(dqkv_BTE[index]) * table_TD[angle] + select(-partner, partner, is_low) * table_TD[angle + half];
  if (column < sizes.H * sizes.D) {
    dq_BTHD[row * sizes.H * sizes.D + column] = stored_half(dx);
  } else {
    dk_BTGD[row * sizes.G * sizes.D + column - sizes.H * sizes.D] = stored_half(dx);
  }
}

struct Sizes {
  B: u32,
  T: u32,
  H: u32,
  G: u32,
  D: u32,
}
@group(0) @binding(5) var<uniform> sizes: Sizes;
`,
  },
  rope_forward: {
    sizes: { B: 'u32', T: 'u32', H: 'u32', G: 'u32', D: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> q_BTHD: array<f32>;
@group(0) @binding(1) var<storage, read> k_BTGD: array<f32>;
@group(0) @binding(2) var<storage, read> v_BTGD: array<f32>;
@group(0) @binding(3) var<storage, read> table_TD: array<f32>;
@group(0) @binding(4) var<storage, read_write> qkv_BTE: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  let width = (sizes.H + 2u * sizes.G) * sizes.D;
  if (index >= sizes.B * sizes.T * width) {
    return;
  }
  let row = index / width;
  let column = index % width;
  if (column >= (sizes.H + sizes.G) * sizes.D) {
    qkv_BTE[index] = v_BTGD[row * sizes.G * sizes.D + column - (sizes.H + sizes.G) * sizes.D];
    return;
  }
  let half = sizes.D / 2u;
  let d = column % sizes.D;
  let is_low = d < half;
  let other = select(column - half, column + half, is_low);
  let angle = row % sizes.T * sizes.D + d % half;
  var x = 0.0;
  var partner = 0.0;
  if (column < sizes.H * sizes.D) {
    x = q_BTHD[row * sizes.H * sizes.D + column];
    partner = q_BTHD[row * sizes.H * sizes.D + other];
  } else {
    x = k_BTGD[row * sizes.G * sizes.D + column - sizes.H * sizes.D];
    partner = k_BTGD[row * sizes.G * sizes.D + other - sizes.H * sizes.D];
  }
  qkv_BTE[index] = x * table_TD[angle] + select(partner, -partner, is_low) * table_TD[angle + half];
}

struct Sizes {
  B: u32,
  T: u32,
  H: u32,
  G: u32,
  D: u32,
}
@group(0) @binding(5) var<uniform> sizes: Sizes;
`,
  },
  rope_forward_f16: {
    sizes: { B: 'u32', T: 'u32', H: 'u32', G: 'u32', D: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> q_BTHD: array<f16>;
@group(0) @binding(1) var<storage, read> k_BTGD: array<f16>;
@group(0) @binding(2) var<storage, read> v_BTGD: array<f16>;
@group(0) @binding(3) var<storage, read> table_TD: array<f32>;
@group(0) @binding(4) var<storage, read_write> qkv_BTE: array<f16>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

fn stored_half(value: f32) -> f16 {
  let infinite = bitcast<vec2<f16>>(select(0x7c00u, 0xfc00u, value < 0.0)).x;
  return select(f16(value), infinite, abs(value) >= 65520.0);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  let width = (sizes.H + 2u * sizes.G) * sizes.D;
  if (index >= sizes.B * sizes.T * width) {
    return;
  }
  let row = index / width;
  let column = index % width;
  if (column >= (sizes.H + sizes.G) * sizes.D) {
    qkv_BTE[index] = stored_half(f32(v_BTGD[row * sizes.G * sizes.D + column - (sizes.H + sizes.G) * sizes.D]));
    return;
  }
  let half = sizes.D / 2u;
  let d = column % sizes.D;
  let is_low = d < half;
  let other = select(column - half, column + half, is_low);
  let angle = row % sizes.T * sizes.D + d % half;
  var x = 0.0;
  var partner = 0.0;
  if (column < sizes.H * sizes.D) {
    x = f32(q_BTHD[row * sizes.H * sizes.D + column]);
    partner = f32(q_BTHD[row * sizes.H * sizes.D + other]);
  } else {
    x = f32(k_BTGD[row * sizes.G * sizes.D + column - sizes.H * sizes.D]);
    partner = f32(k_BTGD[row * sizes.G * sizes.D + other - sizes.H * sizes.D]);
  }
  qkv_BTE[index] = stored_half(x * table_TD[angle] + select(partner, -partner, is_low) * table_TD[angle + half]);
}

struct Sizes {
  B: u32,
  T: u32,
  H: u32,
  G: u32,
  D: u32,
}
@group(0) @binding(5) var<uniform> sizes: Sizes;
`,
  },
  sgd: {
    sizes: { L: 'u32', DECAY: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> gradient_L: array<f32>;
@group(0) @binding(1) var<storage, read> hyper_4: array<f32>;
@group(0) @binding(2) var<storage, read_write> weight_L: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.L) {
    return;
  }
  let lr = hyper_4[0];
  var weight = weight_L[index];
  if (sizes.DECAY == 1u) {
    weight *= 1.0 - lr * hyper_4[2];
  }
  weight_L[index] = weight - lr * (gradient_L[index] * hyper_4[3]);
}

struct Sizes {
  L: u32,
  DECAY: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  sgd_momentum: {
    sizes: { L: 'u32', DECAY: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> gradient_L: array<f32>;
@group(0) @binding(1) var<storage, read> hyper_4: array<f32>;
@group(0) @binding(2) var<storage, read_write> weight_L: array<f32>;
@group(0) @binding(3) var<storage, read_write> momentum_L: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.L) {
    return;
  }
  let lr = hyper_4[0];
  var weight = weight_L[index];
  if (sizes.DECAY == 1u) {
    weight *= 1.0 - lr * hyper_4[2];
  }
  let momentum = hyper_4[1] * momentum_L[index] + gradient_L[index] * hyper_4[3];
  momentum_L[index] = momentum;
  weight_L[index] = weight - lr * momentum;
}

struct Sizes {
  L: u32,
  DECAY: u32,
}
@group(0) @binding(4) var<uniform> sizes: Sizes;
`,
  },
  sum_of_squares: {
    sizes: { L: 'u32', P: 'u32', CHUNK: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> x_L: array<f32>;
@group(0) @binding(1) var<storage, read_write> partials_P: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

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
  if (partial >= sizes.P) {
    return;
  }
  partials_P[partial] = sum_of_range(partial * sizes.CHUNK, min(sizes.L, (partial + 1u) * sizes.CHUNK));
}

struct Sizes {
  L: u32,
  P: u32,
  CHUNK: u32,
}
@group(0) @binding(2) var<uniform> sizes: Sizes;
`,
  },
  sum_of_squares_packed: {
    sizes: { P: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> x_L: array<f32>;
@group(0) @binding(1) var<storage, read> ranges_P2: array<u32>;
@group(0) @binding(2) var<storage, read_write> partials_P: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

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
  if (partial >= sizes.P) {
    return;
  }
  partials_P[partial] = sum_of_range(ranges_P2[2u * partial], ranges_P2[2u * partial + 1u]);
}

struct Sizes {
  P: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  swiglu_backward: {
    sizes: { L: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> gate_L: array<f32>;
@group(0) @binding(1) var<storage, read> up_L: array<f32>;
@group(0) @binding(2) var<storage, read> dy_L: array<f32>;
@group(0) @binding(3) var<storage, read_write> dgate_L: array<f32>;
@group(0) @binding(4) var<storage, read_write> dup_L: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.L) {
    return;
  }
  let gate = gate_L[index];
  let dy = dy_L[index];
  let sigmoid = 1.0 / (1.0 + exp(clamp(-gate, -80.0, 80.0)));
  dgate_L[index] = dy * up_L[index] * (sigmoid * (1.0 + gate * (1.0 - sigmoid)));
  dup_L[index] = dy * (gate * sigmoid);
}

struct Sizes {
  L: u32,
}
@group(0) @binding(5) var<uniform> sizes: Sizes;
`,
  },
  swiglu_backward_f16: {
    sizes: { L: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> gate_L: array<f16>;
@group(0) @binding(1) var<storage, read> up_L: array<f16>;
@group(0) @binding(2) var<storage, read> dy_L: array<f16>;
@group(0) @binding(3) var<storage, read_write> dgate_L: array<f16>;
@group(0) @binding(4) var<storage, read_write> dup_L: array<f16>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

fn stored_half(value: f32) -> f16 {
  let infinite = bitcast<vec2<f16>>(select(0x7c00u, 0xfc00u, value < 0.0)).x;
  return select(f16(value), infinite, abs(value) >= 65520.0);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.L) {
    return;
  }
  let gate = f32(gate_L[index]);
  let dy = f32(dy_L[index]);
  let sigmoid = 1.0 / (1.0 + exp(clamp(-gate, -80.0, 80.0)));
  dgate_L[index] = stored_half(dy * f32(up_L[index]) * (sigmoid * (1.0 + gate * (1.0 - sigmoid))));
  dup_L[index] = stored_half(dy * (gate * sigmoid));
}

struct Sizes {
  L: u32,
}
@group(0) @binding(5) var<uniform> sizes: Sizes;
`,
  },
  swiglu_forward: {
    sizes: { L: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> gate_L: array<f32>;
@group(0) @binding(1) var<storage, read> up_L: array<f32>;
@group(0) @binding(2) var<storage, read_write> y_L: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.L) {
    return;
  }
  let gate = gate_L[index];
  let sigmoid = 1.0 / (1.0 + exp(clamp(-gate, -80.0, 80.0)));
  y_L[index] = gate * sigmoid * up_L[index];
}

struct Sizes {
  L: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  swiglu_forward_f16: {
    sizes: { L: 'u32' },
    text: `enable f16;
@group(0) @binding(0) var<storage, read> gate_L: array<f16>;
@group(0) @binding(1) var<storage, read> up_L: array<f16>;
@group(0) @binding(2) var<storage, read_write> y_L: array<f16>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

fn stored_half(value: f32) -> f16 {
  let infinite = bitcast<vec2<f16>>(select(0x7c00u, 0xfc00u, value < 0.0)).x;
  return select(f16(value), infinite, abs(value) >= 65520.0);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= sizes.L) {
    return;
  }
  let gate = f32(gate_L[index]);
  let sigmoid = 1.0 / (1.0 + exp(clamp(-gate, -80.0, 80.0)));
  y_L[index] = stored_half(gate * sigmoid * f32(up_L[index]));
}

struct Sizes {
  L: u32,
}
@group(0) @binding(3) var<uniform> sizes: Sizes;
`,
  },
  token_order: {
    sizes: { N: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> tokens_N: array<u32>;
@group(0) @binding(1) var<storage, read_write> order_N: array<u32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let position = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (position >= sizes.N) {
    return;
  }
  let token = tokens_N[position];
  var place = 0u;

  let earlier_end = position * groups.z;
  for (var other = 0u; other < earlier_end; other++) {
    place += select(0u, 1u, tokens_N[other] <= token);
  }
  let later_end = sizes.N * groups.z;
  for (var other = position + 1u; other < later_end; other++) {
    place += select(0u, 1u, tokens_N[other] < token);
  }
  order_N[place] = position;
}

struct Sizes {
  N: u32,
}
@group(0) @binding(2) var<uniform> sizes: Sizes;
`,
  },
  widen: {
    sizes: { L: 'u32' },
    text: `@group(0) @binding(0) var<storage, read> x_L: array<u32>;
@group(0) @binding(1) var<storage, read_write> y_L: array<f32>;
@group(1) @binding(0) var<uniform> first_group: u32;

override WG: u32;

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
  if (index >= sizes.L) {
    return;
  }
  let bits = x_L[word];
  y_L[index] = value(bits & 0xffffu);
  if (index + 1u < sizes.L) {
    y_L[index + 1u] = value(bits >> 16u);
  }
}

struct Sizes {
  L: u32,
}
@group(0) @binding(2) var<uniform> sizes: Sizes;
`,
  },
};
