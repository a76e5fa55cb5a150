"""Inquiries (お問い合わせ): what carriers answer when they are asked how a parcel fares, and what news that is."""
