// flash_attention_backward_subgroup — gradients of q, k and v from that of y, for software drivers
// Shapes:   qkv[B,T,(H+2G)D] dy[B,T,HD] lse[B,H,T] inner[B,H,T] -> dqkv[B,T,(H+2G)D]; D % 4 = 0
// Dispatch: one subgroup of 8 invocations per key head and 64 of its columns; needs: subgroups, size 8
// Method:   keys 16 at a time, queries of the group 32 at a time, four a lane; dk and dv in registers, in columns
//           4 lane + 0..3 and those 32 further; dq is added where it belongs, since nobody else writes it: so scores
//           are made again once, not twice. A matrix is four keys
// Source:   Dao 2023 (arXiv:2307.08691) alg. 2; CPU twin flash-attention.cpu.ts
// Checked:  test/conformance.spec.ts, sqrt(T H / G + D) 2^-23 of the largest entry vs f64
enable subgroups;

@group(0) @binding(0) var<storage, read> qkv_BTE: array<vec4f>; // [B,T,(H+2G)D] projections
@group(0) @binding(1) var<storage, read> dy_BTC: array<vec4f>; // [B,T,HD] gradient of the output
@group(0) @binding(2) var<storage, read> lse_BHT: array<f32>; // [B,H,T] log-sum-exp of the scaled scores
@group(0) @binding(3) var<storage, read> inner_BHT: array<f32>; // [B,H,T] Σ_d dy y
@group(0) @binding(4) var<storage, read_write> dqkv_BTE: array<vec4f>; // [B,T,(H+2G)D] gradient of the projections
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override B: u32;
override T: u32;
override H: u32;
override G: u32;
override D: u32;
override FAR: bool; // D > 32

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
    let at = base + row * (H * D / 4u);
    return mat4x4f(dy_BTC[at.x], dy_BTC[at.y], dy_BTC[at.z], dy_BTC[at.w]);
  }
  let at = base + row * ((H + 2u * G) * D / 4u);
  return mat4x4f(qkv_BTE[at.x], qkv_BTE[at.y], qkv_BTE[at.z], qkv_BTE[at.w]);
}

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let D4 = D / 4u;
  let stride = (H + 2u * G) * D4;
  let parts = (D4 + 15u) / 16u;
  let index = first_group + group.y * groups.x + group.x;
  let b = index / (G * parts);
  if (b >= B) { return; }
  let part = index % parts * 16u;
  let columns = min(part + lane + vec2u(0u, 8u), vec2u(D4 - 1u));
  let k = b * T * stride + (H + index / parts % G) * D4;
  let v = k + G * D4;
  let scale = inverseSqrt(f32(D));
  let four = vec4u(0u, 1u, 2u, 3u);
  // groups.z is 1, unknown to the compiler: it unrolls loops of known length, as those of four are meant to be.
  for (var key = 0u; key < T * groups.z; key += 16u) {
    var dk = array<mat4x4f, 4>();
    var dv = array<mat4x4f, 4>();
    var dk_far = array<mat4x4f, 4>();
    var dv_far = array<mat4x4f, 4>();
    let rows = min(key + lane + vec2u(0u, 8u), vec2u(T - 1u)) * stride;
    for (var member = 0u; member < H / G * groups.z; member++) {
      let head = index / parts % G * (H / G) + member;
      let q = b * T * stride + head * D4;
      let dy = (b * T * H + head) * D4;
      for (var start = key / 32u * 32u; start < T; start += 32u) {
        let query = start + lane * 4u + four;
        let safe = min(query, vec4u(T - 1u));
        // Gradients g = dy·v of the probabilities, then scores: ds and p take turns, so that this text is there once.
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
        let at = (b * H + head) * T + safe;
        let lse = vec4f(lse_BHT[at.x], lse_BHT[at.y], lse_BHT[at.z], lse_BHT[at.w]);
        let inner = vec4f(inner_BHT[at.x], inner_BHT[at.y], inner_BHT[at.z], inner_BHT[at.w]);
        for (var i = 0u; i < 4u; i++) {
          for (var c = 0u; c < 4u; c++) {
            let visible = (query >= vec4u(key + i * 4u + c)) & (query < vec4u(T));
            p[i][c] = select(vec4f(), exp(p[i][c] * scale - lse), visible);
            // Dropout belongs here: of the gradients g, and of what dv takes. The factors' order is a constant D's.
            ds[i][c] = p[i][c] * scale * (ds[i][c] - inner);
          }
        }
        for (var other = (max(key, start) - start) / 4u; other * 4u < min(32u, T - start); other++) {
          let others = min(start + other * 4u + four, vec4u(T - 1u));
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
            if (query[i] < T) { dqkv_BTE[out] = select(dqkv_BTE[out] + dq[i], dq[i], key == 0u); }
          }
        }
      }
    }
    // Rows of dk, then of dv: one store in a loop, since each one in the text takes the compiler long.
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
      let inside = key + i % 16u < T;
      if (inside && part + lane < D4) { dqkv_BTE[out] = near_rows[i]; }
      // What is further, and all that computes it, is left out where the compiler is told that there is nothing.
      if (FAR && inside && part + lane + 8u < D4) { dqkv_BTE[out + 8u] = far_rows[i]; }
    }
  }
}
