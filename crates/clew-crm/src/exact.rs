//! Numbers in JSON to the last bit: written as their bits, since reading a decimal may be off by the last one.

/// For `#[serde(with = "crate::exact::f64s")]` on a `Vec<f64>`.
pub(crate) mod f64s {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
        values.iter().map(|value| value.to_bits()).collect::<Vec<u64>>().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
        Ok(Vec::<u64>::deserialize(deserializer)?.into_iter().map(f64::from_bits).collect())
    }
}

/// For `#[serde(with = "crate::exact::f32s")]` on a `Vec<f32>`.
pub(crate) mod f32s {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(values: &[f32], serializer: S) -> Result<S::Ok, S::Error> {
        values.iter().map(|value| value.to_bits()).collect::<Vec<u32>>().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f32>, D::Error> {
        Ok(Vec::<u32>::deserialize(deserializer)?.into_iter().map(f32::from_bits).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Held {
        #[serde(with = "super::f64s")]
        long: Vec<f64>,
        #[serde(with = "super::f32s")]
        short: Vec<f32>,
    }

    #[test]
    fn comes_back_to_the_last_bit() {
        let held = Held {
            long: vec![0.1 + 0.2, f64::MIN_POSITIVE, -1e300 / 3.0],
            short: vec![0.1, 1.0 / 3.0, f32::MAX],
        };
        let text = serde_json::to_string(&held).unwrap();
        assert_eq!(serde_json::from_str::<Held>(&text).unwrap(), held);
    }
}
