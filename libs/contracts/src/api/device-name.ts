/** How a GPU of one machine is named: by a number, a UUID of nvidia-smi or a PCI address. */
export const DEVICE_NAME =
  /^(\d{1,4}|GPU-[0-9a-f-]{8,64}|([0-9a-f]{4}([0-9a-f]{4})?:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])$/i;
