//! The language that messages are defined in: [`message!`].
//!
//! A definition is a table: one line per field in the order of the frame, with its type, the versions that have it,
//! and its default. From it come the structure, its `Default` and how it is read and written; there is no other place
//! where an API's layout stands. See the [module's page](super) for how to read one.

use super::DecodeError;
use super::wire::{Reader, Wire, Writer};

/// Defines the structures of one API: see the [`protocol`](crate::protocol) page.
macro_rules! message {
    ($(
        $(#[$about:meta])*
        pub struct $name:ident $(($versions:expr, flexible $flexible:literal))? {
            $(
                $(#[$doc:meta])*
                $field:ident: $type:ty
                    $([$present:expr $(, tag $tag:literal)? $(, nullable $nullable:expr)?])?
                    $(= $default:expr)?,
            )*
        }
    )+) => {$(
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            $( $(#[$doc])* pub $field: $type, )*
        }

        $(
            impl $name {
                /// The versions that this definition covers.
                pub const VERSIONS: std::ops::RangeInclusive<i16> = $versions;
                /// The first version in the flexible layout (KIP-482).
                pub const FLEXIBLE: i16 = $flexible;
            }
        )?

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $crate::protocol::definition::field!(default $($default)?), )* }
            }
        }

        impl $crate::protocol::wire::Wire for $name {
            fn min_size(layout: $crate::protocol::wire::Layout) -> usize {
                let mut size = usize::from(layout.flexible);
                $( $crate::protocol::definition::field!(
                    min_size size, layout, $type $(, [$present $(, tag $tag)? $(, nullable $nullable)?])?
                ); )*
                size
            }

            fn encode(&self, writer: &mut $crate::protocol::wire::Writer) {
                $( $crate::protocol::definition::field!(
                    encode self.$field, writer $(, [$present $(, tag $tag)? $(, nullable $nullable)?])?
                ); )*
                if writer.layout.flexible {
                    writer.put_tag_count(&[$( $crate::protocol::definition::field!(
                        tagged self.$field, writer, {$crate::protocol::definition::field!(default $($default)?)}
                            $(, [$present $(, tag $tag)? $(, nullable $nullable)?])?
                    ) ),*]);
                    $( $crate::protocol::definition::field!(
                        encode_tagged self.$field, writer, {$crate::protocol::definition::field!(default $($default)?)}
                            $(, [$present $(, tag $tag)? $(, nullable $nullable)?])?
                    ); )*
                }
            }

            fn decode(
                reader: &mut $crate::protocol::wire::Reader<'_>,
            ) -> Result<Self, $crate::protocol::DecodeError> {
                let mut message = Self {
                    $( $field: $crate::protocol::definition::field!(
                        decode reader, {$crate::protocol::definition::field!(default $($default)?)}
                            $(, [$present $(, tag $tag)? $(, nullable $nullable)?])?
                    ), )*
                };
                message.decode_tags(reader)?;
                Ok(message)
            }
        }

        #[cfg(test)]
        impl $crate::protocol::tests::sample::Sample for $name {
            fn sample(source: &mut $crate::protocol::tests::sample::Source<'_>) -> Self {
                Self {
                    $( $field: $crate::protocol::definition::field!(
                        sample source, {$crate::protocol::definition::field!(default $($default)?)}
                            $(, [$present $(, tag $tag)? $(, nullable $nullable)?])?
                    ), )*
                }
            }
        }

        impl $name {
            /// Takes the tagged fields at the structure's end; those that the table does not know are passed over.
            fn decode_tags(
                &mut self,
                reader: &mut $crate::protocol::wire::Reader<'_>,
            ) -> Result<(), $crate::protocol::DecodeError> {
                reader.tagged_fields(|tag, reader| {
                    match tag {
                        $($($(
                            $tag if ($present).contains(&reader.layout.version) => {
                                self.$field = $crate::protocol::wire::Wire::decode(reader)?;
                            }
                        )?)?)*
                        _ => reader.skip_rest(),
                    }
                    Ok(())
                })
            }
        }
    )+};
}

/// What [`message!`] does for one field, by the kind of its entry: in every version, in some, tagged, nullable in some.
macro_rules! field {
    (default) => {
        Default::default()
    };
    (default $default:expr) => {
        $default
    };

    (min_size $size:ident, $layout:ident, $type:ty) => {
        $size += <$type as $crate::protocol::wire::Wire>::min_size($layout)
    };
    (min_size $size:ident, $layout:ident, $type:ty, [$present:expr, tag $tag:literal]) => {};
    (min_size $size:ident, $layout:ident, $type:ty, [$present:expr $(, nullable $nullable:expr)?]) => {
        if ($present).contains(&$layout.version) {
            $size += <$type as $crate::protocol::wire::Wire>::min_size($layout);
        }
    };

    (encode $value:expr, $writer:ident) => {
        $crate::protocol::wire::Wire::encode(&$value, $writer)
    };
    (encode $value:expr, $writer:ident, [$present:expr, tag $tag:literal]) => {};
    (encode $value:expr, $writer:ident, [$present:expr, nullable $nullable:expr]) => {
        if ($present).contains(&$writer.layout.version) {
            let nullable = ($nullable).contains(&$writer.layout.version);
            $crate::protocol::definition::encode_nullable($value.as_ref(), $writer, nullable);
        }
    };
    (encode $value:expr, $writer:ident, [$present:expr]) => {
        if ($present).contains(&$writer.layout.version) {
            $crate::protocol::wire::Wire::encode(&$value, $writer);
        }
    };

    // Kafka leaves out a tagged field that has its default.
    (tagged $value:expr, $writer:ident, $default:block, [$present:expr, tag $tag:literal]) => {
        ($present).contains(&$writer.layout.version) && $crate::protocol::definition::differs(&$value, &$default)
    };
    (tagged $value:expr, $writer:ident, $default:block $(, [$($range:tt)+])?) => {
        false
    };
    (encode_tagged $value:expr, $writer:ident, $default:block, [$present:expr, tag $tag:literal]) => {
        if ($present).contains(&$writer.layout.version) && $crate::protocol::definition::differs(&$value, &$default) {
            $writer.put_tagged($tag, &$value);
        }
    };
    (encode_tagged $value:expr, $writer:ident, $default:block $(, [$($range:tt)+])?) => {};

    (decode $reader:ident, $default:block) => {
        $crate::protocol::wire::Wire::decode($reader)?
    };
    (decode $reader:ident, $default:block, [$present:expr, tag $tag:literal]) => {
        $default
    };
    (decode $reader:ident, $default:block, [$present:expr, nullable $nullable:expr]) => {
        if ($present).contains(&$reader.layout.version) {
            let nullable = ($nullable).contains(&$reader.layout.version);
            $crate::protocol::definition::decode_nullable($reader, nullable)?
        } else {
            $default
        }
    };
    (decode $reader:ident, $default:block, [$present:expr]) => {
        if ($present).contains(&$reader.layout.version) {
            $crate::protocol::wire::Wire::decode($reader)?
        } else {
            $default
        }
    };

    (sample $source:ident, $default:block) => {
        $crate::protocol::tests::sample::Sample::sample($source)
    };
    (sample $source:ident, $default:block, [$present:expr, nullable $nullable:expr]) => {
        if !($present).contains(&$source.version) {
            $default
        } else if ($nullable).contains(&$source.version) {
            $crate::protocol::tests::sample::Sample::sample($source)
        } else {
            Some($crate::protocol::tests::sample::Sample::sample($source))
        }
    };
    (sample $source:ident, $default:block, [$present:expr $(, tag $tag:literal)?]) => {
        if ($present).contains(&$source.version) {
            $crate::protocol::tests::sample::Sample::sample($source)
        } else {
            $default
        }
    };
}

pub(crate) use {field, message};

/// Appends a value that only some versions allow to be null; in the others a null goes out as an empty value.
pub(crate) fn encode_nullable<T: Wire + Default>(value: Option<&T>, writer: &mut Writer, nullable: bool) {
    match value {
        value if nullable => T::encode_nullable(value, writer),
        Some(value) => value.encode(writer),
        None => T::default().encode(writer),
    }
}

/// Takes a value that only some versions allow to be null.
pub(crate) fn decode_nullable<T: Wire>(reader: &mut Reader<'_>, nullable: bool) -> Result<Option<T>, DecodeError> {
    if nullable { T::decode_nullable(reader) } else { T::decode(reader).map(Some) }
}

/// Whether a tagged field has to be written.
pub(crate) fn differs<T: PartialEq>(value: &T, default: &T) -> bool {
    value != default
}
