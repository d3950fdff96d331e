obs::metrics! {
    registry SHOP;

    /// Bytes of an upload.
    histogram shop_upload_bytes() { buckets = [4294967296.5, 2e21, 1e21] }
}

fn main() {
    shop_upload_bytes().observe(1.0);
}
