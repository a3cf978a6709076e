"""What `npm run bench -- gpu` measures, in PyTorch on the same device.

    python3 torch-gpu.py CASES        CASES is JSON, as bench/src/gpu/torch-peer.ts writes it

Prints one JSON object a line: {"torch": ...} first, then {"name", "value"} in the unit of the case (GFLOP/s, GB/s or ms)
or {"name", "error"} for each case, or {"absent": reason} where there is nothing to measure. f32 means f32: TF32 is off.
`"device": "cpu"` among the cases tries the script itself where there is no GPU.
"""

import json
import signal
import sys
import time

ROUNDS = 5
ROUND_S = 0.04
REPEATS_MAX = 1000
STEPS = 7
WARM_UP_STEPS = 3


def say(**message):
    print(json.dumps(message), flush=True)


def main(cases):
    try:
        import torch
    except Exception as error:
        say(absent=f"this Python cannot load torch: {error}")
        return
    device = cases.get("device", "cuda")
    if device == "cuda" and not torch.cuda.is_available():
        say(absent="torch finds no CUDA device")
        return
    name = torch.cuda.get_device_name(0) if device == "cuda" else "cpu"
    say(torch={"version": torch.__version__, "device": name})
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.manual_seed(1)
    bench = Bench(torch, device, time.monotonic() + cases["seconds"])
    bench.case(cases["copy"], bench.copy)
    for case in cases["products"]:
        bench.case(case, bench.product)
    for case in cases["rows"]:
        bench.case(case, bench.row)
    for case in cases["attention"]:
        bench.case(case, bench.attention)
    for case in cases["steps"]:
        bench.case(case, bench.step)


class Bench:
    def __init__(self, torch, device, until):
        self.torch = torch
        self.device = device
        self.until = until

    def case(self, case, measure):
        """One case whatever happens to it, such as memory that runs out or a function that this torch does not have."""
        if time.monotonic() > self.until:
            say(name=case["name"], error="no time was left for it")
            return
        try:
            say(name=case["name"], value=measure(case))
        except Exception as error:
            say(name=case["name"], error=f"{type(error).__name__}: {error}"[:300])
        if self.device == "cuda":
            self.torch.cuda.empty_cache()

    def seconds(self, work, repeats):
        """Seconds of one of `repeats` runs, by the device's own events where it has them."""
        torch = self.torch
        if self.device != "cuda":
            start = time.perf_counter()
            for _ in range(repeats):
                work()
            return (time.perf_counter() - start) / repeats
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        for _ in range(repeats):
            work()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end) / 1000 / repeats

    def median(self, work, rounds=ROUNDS):
        for _ in range(2):
            self.seconds(work, 1)
        once = max(self.seconds(work, 1), 1e-6)
        repeats = max(1, min(REPEATS_MAX, int(ROUND_S / once)))
        return middle([self.seconds(work, repeats) for _ in range(rounds)])

    def noise(self, *shape, dtype="f32"):
        noise = self.torch.rand(*shape, device=self.device) - 0.5
        return noise.half() if dtype == "f16" else noise

    def copy(self, case):
        source = self.noise(case["bytes"] // 4)
        target = self.torch.empty_like(source)
        return 2 * case["bytes"] / self.median(lambda: target.copy_(source)) / 1e9

    def product(self, case):
        size, layout, dtype = case["size"], case["layout"], case["dtype"]
        a, b, c = (self.noise(size, size, dtype=dtype) for _ in range(3))
        left = a.t() if layout == "tn" else a
        right = b.t() if layout == "nt" else b
        return 2 * size**3 / self.median(lambda: self.torch.mm(left, right, out=c)) / 1e9

    def row(self, case):
        return case["bytes"] / self.median(self.row_work(case["kernel"].removesuffix("_f16"), case["dims"], case["dtype"])) / 1e9

    def row_work(self, kernel, dims, dtype):
        torch, functional = self.torch, self.torch.nn.functional
        if kernel == "cross_entropy_forward":
            logits = self.noise(dims["N"], dims["V"])
            targets = torch.randint(dims["V"], (dims["N"],), device=self.device)
            return lambda: functional.cross_entropy(logits, targets, reduction="none")
        if kernel in ("gelu_forward", "add"):
            x, y = (self.noise(dims["L"], dtype=dtype) for _ in range(2))
            if kernel == "add":
                return lambda: torch.add(x, y)
            return lambda: functional.gelu(x, approximate="tanh")
        rows, length = dims["N"], dims["C"]
        x = self.noise(rows, length, dtype=dtype)
        weight, bias = (self.noise(length, dtype=dtype) for _ in range(2))
        is_layer = kernel.startswith("layernorm")
        eps = dims.get("eps", 1e-5)

        def norm(x):
            if is_layer:
                return functional.layer_norm(x, (length,), weight, bias, eps)
            return functional.rms_norm(x, (length,), weight, eps)

        if kernel.endswith("forward"):
            return lambda: norm(x)
        x.requires_grad_()
        y, dy = norm(x), self.noise(rows, length, dtype=dtype)
        # The gradient of x alone, as the kernel computes it.
        return lambda: torch.autograd.grad(y, x, dy, retain_graph=True)

    def attention(self, case):
        torch, functional = self.torch, self.torch.nn.functional
        b, t, h, g, d = (case[letter] for letter in "BTHGD")
        q = self.noise(b, h, t, d, dtype=case["dtype"]).requires_grad_()
        k, v = (self.noise(b, g, t, d, dtype=case["dtype"]).requires_grad_() for _ in range(2))
        options = {} if g == h else {"enable_gqa": True}

        def forward():
            return functional.scaled_dot_product_attention(q, k, v, is_causal=True, **options)

        if case["pass"] == "forward":
            with torch.no_grad():
                return case["flops"] / self.median(forward) / 1e9
        y, dy = forward(), self.noise(b, h, t, d, dtype=case["dtype"])
        return case["flops"] / self.median(lambda: torch.autograd.grad(y, (q, k, v), dy, retain_graph=True)) / 1e9

    def step(self, case):
        """Milliseconds of a whole step: forward, backward, clipping, AdamW with its loss read, as ours.

        In f16 as torch does it: autocast with weights in f32, and a scaler that skips what overflows.
        """
        torch = self.torch
        config, batch = case["config"], case["microBatch"]
        model = transformer(torch, config).to(self.device)
        fused = {"fused": True} if self.device == "cuda" else {}
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.95), weight_decay=0.1, **fused)
        ids = torch.randint(config["vocab"], (batch, config["context"] + 1), device=self.device)

        half = case["precision"] == "f16"
        scaler = torch.cuda.amp.GradScaler(init_scale=2.0**10, enabled=half and self.device == "cuda")

        def work():
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast(self.device, dtype=torch.float16, enabled=half):
                logits = model(ids[:, :-1])
                loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()
            return loss.item()

        for _ in range(WARM_UP_STEPS):
            work()
        times = []
        while len(times) < STEPS and (len(times) < 3 or time.monotonic() < self.until):
            times.append(self.seconds(work, 1))
        return 1000 * middle(times)


def middle(values):
    return sorted(values)[len(values) // 2]


def transformer(torch, config):
    """GPT-2 or Llama with the sizes of the case, in the plainest PyTorch that uses its fused attention."""
    nn, functional = torch.nn, torch.nn.functional
    width, heads = config["hidden"], config["heads"]
    groups = config.get("kvHeads", heads)
    size = config.get("headSize", width // heads)
    is_llama = config["family"] == "llama"

    class RmsNorm(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(width))

        def forward(self, x):
            return functional.rms_norm(x, (width,), self.weight, 1e-5)

    def norm():
        return RmsNorm() if is_llama else nn.LayerNorm(width)

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1, self.norm2 = norm(), norm()
            bias = not is_llama
            self.qkv = nn.Linear(width, (heads + 2 * groups) * size, bias=bias)
            self.out = nn.Linear(heads * size, width, bias=bias)
            self.up = nn.Linear(width, config["ffn"], bias=bias)
            self.down = nn.Linear(config["ffn"], width, bias=bias)
            if is_llama:
                self.gate = nn.Linear(width, config["ffn"], bias=False)

        def forward(self, x, rotary):
            b, t, _ = x.shape
            qkv = self.qkv(self.norm1(x)).view(b, t, heads + 2 * groups, size).transpose(1, 2)
            q, k, v = qkv.split((heads, groups, groups), dim=1)
            if is_llama:
                q, k = rotated(torch, q, rotary), rotated(torch, k, rotary)
            options = {} if groups == heads else {"enable_gqa": True}
            y = functional.scaled_dot_product_attention(q, k, v, is_causal=True, **options)
            x = x + self.out(y.transpose(1, 2).reshape(b, t, heads * size))
            z = self.norm2(x)
            if is_llama:
                return x + self.down(functional.silu(self.gate(z)) * self.up(z))
            return x + self.down(functional.gelu(self.up(z), approximate="tanh"))

    class Transformer(nn.Module):
        def __init__(self):
            super().__init__()
            self.tokens = nn.Embedding(config["vocab"], width)
            nn.init.normal_(self.tokens.weight, std=0.02)
            if not is_llama:
                self.positions = nn.Embedding(config["context"], width)
            self.blocks = nn.ModuleList(Block() for _ in range(config["layers"]))
            self.norm = norm()
            frequencies = 10000.0 ** (-torch.arange(0, size, 2).float() / size)
            angles = torch.outer(torch.arange(config["context"]).float(), frequencies)
            angles = torch.cat((angles, angles), dim=1)
            self.register_buffer("rotary", torch.stack((angles.cos(), angles.sin())))

        def forward(self, ids):
            x = self.tokens(ids)
            if not is_llama:
                x = x + self.positions.weight
            for block in self.blocks:
                x = block(x, self.rotary)
            return functional.linear(self.norm(x), self.tokens.weight)

    return Transformer()


def rotated(torch, x, rotary):
    half = x.shape[-1] // 2
    turned = torch.cat((-x[..., half:], x[..., :half]), dim=-1)
    return x * rotary[0] + turned * rotary[1]


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    # By itself even where nobody watches over it.
    if hasattr(signal, "alarm"):
        signal.alarm(int(given["seconds"] / 0.9) + 5)
    main(given)
