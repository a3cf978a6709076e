// flash_attention_forward_subgroup — y = softmax(q kᵀ / sqrt(D), j <= i) v and its log-sum-exp, for software drivers
// Shapes:   qkv[B,T,(H+2G)D] -> y[B,T,HD] lse[B,H,T]; D % 4 = 0
// Dispatch: one subgroup of 8 invocations per 16 rows and 64 columns of a head; needs: subgroups, size 8
// Method:   keys 32 at a time, of which a lane scores four; online softmax in registers; then a lane sums up columns
//           4 lane + 0..3 of y and those 32 further. A matrix is four rows
// Source:   Dao 2023 (arXiv:2307.08691) alg. 1; CPU twin flash-attention.cpu.ts
// Checked:  test/conformance.spec.ts, sqrt(T + D) 2^-23 of the largest entry vs f64
// In f16:   qkv_BTE y_BTC
enable subgroups;

@group(0) @binding(0) var<storage, read> qkv_BTE: array<vec4f>; // [B,T,(H+2G)D] projections
@group(0) @binding(1) var<storage, read_write> y_BTC: array<vec4f>; // [B,T,HD] attended values
@group(0) @binding(2) var<storage, read_write> lse_BHT: array<f32>; // [B,H,T] log-sum-exp of the scaled scores
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override B: u32;
override T: u32;
override H: u32;
override G: u32;
override D: u32;
override FAR: bool; // D > 32
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

/** Four rows of keys or values from `row` on; beyond the edge, the last one. */
fn rows_at(base: u32, row: u32) -> mat4x4f {
  let at = base + min(vec4u(row, row + 1u, row + 2u, row + 3u), vec4u(T - 1u)) * ((H + 2u * G) * D / 4u);
  return mat4x4f(qkv_BTE[at.x], qkv_BTE[at.y], qkv_BTE[at.z], qkv_BTE[at.w]);
}

fn each(m: mat4x4f, factor: vec4f) -> mat4x4f {
  return mat4x4f(m[0] * factor.x, m[1] * factor.y, m[2] * factor.z, m[3] * factor.w);
}

/** Turns scores into weights relative to the largest score so far, and brings what was summed up to the same. */
fn weighed(r: Rows, keys: vec4u, row: u32) -> Rows {
  let no = vec4f(MASKED);
  var s = r.s * inverseSqrt(f32(D));
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
  // Dropout of the probabilities belongs here: the sum takes them before it, the rows keep them after it.
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
  let tiles = (T + ROWS - 1u) / ROWS;
  let parts = (D + 63u) / 64u;
  let index = first_group + group.y * groups.x + group.x;
  let b = index / (tiles * parts * H);
  let head = index / (tiles * parts) % H;
  // Longer rows come first, so that all cores have work to the end.
  let row = (tiles - 1u - index % tiles) * ROWS;
  let column = index / tiles % parts * 16u + lane;
  if (b >= B) { return; }
  let stride = (H + 2u * G) * D / 4u;
  let q = b * T * stride + head * D / 4u;
  let k = b * T * stride + (H + head / (H / G)) * D / 4u;
  let near = k + G * D / 4u + min(column, D / 4u - 1u);
  let far = k + G * D / 4u + min(column + 8u, D / 4u - 1u);
  let none = Rows(mat4x4f(), mat4x4f(), mat4x4f(), mat4x4f(), vec4f(MASKED), vec4f());
  var r = array<Rows, 4>(none, none, none, none);
  let end = min(T, row + ROWS);
  // groups.z is 1, unknown to the compiler: it unrolls loops of known length, as those of four are meant to be.
  let d_end = D / 4u * groups.z;
  for (var start = 0u; start < end; start += KEYS) {
    for (var d = 0u; d < d_end; d++) {
      let low = qkv_BTE[q + min(row + lane, T - 1u) * stride + d];
      let high = qkv_BTE[q + min(row + 8u + lane, T - 1u) * stride + d];
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
  // One store in a loop: each one in the text takes the compiler long.
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
    let out = ((b * T + row + i) * H + head) * (D / 4u) + column;
    if (column < D / 4u) { y_BTC[out] = near_rows[i]; }
    // What is further, and all that computes it, is left out where the compiler is told that there is nothing.
    if (FAR && column + 8u < D / 4u) { y_BTC[out + 8u] = far_rows[i]; }
    lse_BHT[(b * H + head) * T + row + i] = lse_rows[i];
  }
}
